"""Forms, cut into pieces of any size at any place."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import BadRequestError, TooLargeError, TruncatedBodyError
from app.web.multipart import MAX_FIELD_BYTES, MAX_FIELDS, Field, FilePart, read_form

BOUNDARY = "----boundary"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


class Pieces:
    """A body that gives at most ``step`` bytes per read."""

    length: int | None = None

    def __init__(self, data: bytes, step: int) -> None:
        self.data, self.step = memoryview(data), step

    def readinto(self, buffer: memoryview, /) -> int:
        size = min(len(self.data), len(buffer), self.step)
        buffer[:size], self.data = self.data[:size], self.data[size:]
        return size


def encode(parts: Iterable[Field | tuple[str, bytes]]) -> bytes:
    """Write a form; a pair is a file's name and content."""
    lines = []
    for part in parts:
        if isinstance(part, Field):
            header, content = f'name="{part.name}"', part.value.encode()
        else:
            header, content = f'name="diag"; filename="{part[0]}"', part[1]
        disposition = f"Content-Disposition: form-data; {header}".encode()
        lines += [b"--" + BOUNDARY.encode(), disposition, b"", content]
    return b"\r\n".join([*lines, f"--{BOUNDARY}--".encode(), b""])


def decode(data: bytes, step: int = 1000, buffer_size: int = 50) -> list[Field | tuple[str, bytes]]:
    """Read a form, its file through a buffer of ``buffer_size`` bytes."""
    parts: list[Field | tuple[str, bytes]] = []
    buffer = memoryview(bytearray(buffer_size))
    for part in read_form(Pieces(data, step), CONTENT_TYPE):
        if isinstance(part, FilePart):
            content = bytearray()
            while size := part.readinto(buffer):
                content += buffer[:size]
            parts.append((part.filename, bytes(content)))
        else:
            parts.append(part)
    return parts


# Made of the pieces of a delimiter, so that nearly every place looks like the beginning of one.
tricky = st.lists(
    st.sampled_from(
        [b"\r", b"\n", b"\r\n", b"--", b"\r\n--", BOUNDARY.encode()[:-1], b"boundary", b"x", b"\0"]
    ),
    max_size=30,
).map(b"".join)
names = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8)
texts = st.text(st.characters(codec="utf-8"), max_size=40)
fields = st.lists(st.builds(Field, names, texts), max_size=4)


@given(
    fields,
    st.tuples(names, tricky | st.binary(max_size=300)),
    fields,
    st.integers(1, 120),
    st.integers(1, 70),
)
def test_what_was_put_in_comes_out(
    before: list[Field], file: tuple[str, bytes], after: list[Field], step: int, buffer_size: int
) -> None:
    parts: list[Field | tuple[str, bytes]] = [*before, file, *after]
    assert decode(encode(parts), step, buffer_size) == parts


@given(fields, st.tuples(names, tricky), st.integers(1, 60), st.data())
def test_a_form_that_ends_early_is_never_taken_for_whole(
    before: list[Field], file: tuple[str, bytes], step: int, data: st.DataObject
) -> None:
    form = encode([*before, file]).removesuffix(b"--\r\n")
    cut = data.draw(st.integers(0, len(form)))

    with pytest.raises(TruncatedBodyError):
        decode(form[:cut], step)


def test_a_file_that_is_not_read_is_skipped() -> None:
    form = encode([("a.tgz", bytes(5000)), Field("case", "CS-1")])

    parts = list(read_form(Pieces(form, 100), CONTENT_TYPE))

    assert parts[1:] == [Field("case", "CS-1")]


def test_a_file_input_left_empty_has_no_name() -> None:
    assert decode(encode([("", b"")])) == [("", b"")]


def test_one_file_only() -> None:
    with pytest.raises(BadRequestError, match="one file"):
        decode(encode([("a", b"1"), ("b", b"2")]))


def test_limits() -> None:
    fields = [Field(str(i), "x") for i in range(MAX_FIELDS)]
    assert len(decode(encode([*fields, ("a", b"")]))) == MAX_FIELDS + 1
    with pytest.raises(BadRequestError, match="more than 20 fields"):
        decode(encode([*fields, Field("one", "more")]))
    longest = [Field("note", "x" * MAX_FIELD_BYTES)]
    assert decode(encode(longest)) == longest
    with pytest.raises(TooLargeError):
        decode(encode([Field("note", "x" * (MAX_FIELD_BYTES + 1))]))
    with pytest.raises(BadRequestError):
        decode(encode([Field("name" * 2000, "x")]))


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "multipart/form-data",
        "multipart/mixed; boundary=x",
        "multipart/form-data; boundary=",
    ],
)
def test_only_forms_are_forms(content_type: str) -> None:
    with pytest.raises(BadRequestError):
        list(read_form(Pieces(b"", 1), content_type))


@pytest.mark.parametrize(
    "form",
    [
        b"--" + BOUNDARY.encode() + b"\r\nNo colon\r\n\r\n",
        b"--" + BOUNDARY.encode() + b"\r\nContent-Type: text/plain\r\n\r\nx",
        encode([Field("a", "b")]).replace(b"form-data", b"attachment"),
        b"--" + BOUNDARY.encode() + b"junk\r\n",
    ],
)
def test_malformed_forms_are_the_senders_fault(form: bytes) -> None:
    with pytest.raises(BadRequestError):
        decode(form)


def test_fields_are_utf8() -> None:
    with pytest.raises(BadRequestError, match="UTF-8"):
        decode(encode([Field("a", "b")]).replace(b"\r\n\r\nb", b"\r\n\r\n\xff"))
