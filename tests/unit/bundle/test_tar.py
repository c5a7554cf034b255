"""The walk sees what tarfile sees of honest archives, and trusts no dishonest one."""

import io
import tarfile
from collections.abc import Iterator
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.bundle.budget import Budget, Meter
from app.bundle.cursor import TarDamageError
from app.bundle.errors import DamagedBundleError, MalformedBundleError, OverBudgetError
from app.bundle.header import BLOCK
from app.bundle.stream import BundleStream
from app.bundle.tar import TRAILING, walk
from tests.factories.bundles import make_tar, make_tgz

Format = Literal[0, 1, 2]
FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
names = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="/"), min_size=1, max_size=98
)
archives = st.dictionaries(names, st.binary(max_size=2000), max_size=6)


def read(tar: bytes, step: int = 4096, budget: Budget | None = None) -> list[tuple[str, bytes]]:
    chunks = (tar[start : start + step] for start in range(0, len(tar), step))
    return [(member.name, b"".join(member.content)) for member in walk(chunks, Meter(budget or Budget()))]


def one(
    name: str = "file", content: bytes = b"", format_: Format = tarfile.PAX_FORMAT, **fields: object
) -> bytes:
    """Return an archive of one entry with any header fields, honest or not, without its end."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in fields.items():
        setattr(info, key, value)
    return info.tobuf(format_) + content + bytes(-len(content) % BLOCK)


END = bytes(2 * BLOCK)


@settings(deadline=None)
@given(archives, st.sampled_from(FORMATS), st.integers(1, 3000))
def test_honest_archives_in_any_chunks(files: dict[str, bytes], format_: int, step: int) -> None:
    assert dict(read(make_tar(files, format_), step)) == files


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=101, max_size=300),
    st.sampled_from(FORMATS[1:]),
)
def test_long_names(name: str, format_: int) -> None:
    name = name.replace("/", "_")
    shown = "".join(c if c.isprintable() else "\ufffd" for c in name)
    assert read(make_tar({name: b"content"}, format_)) == [(shown, b"content")]


@settings(deadline=None)
@given(st.data())
def test_a_truncated_bundle_is_never_whole(data: st.DataObject) -> None:
    bundle = make_tgz({"a": b"first" * 50, "b/c": b"second" * 200})
    cut = bundle[: data.draw(st.integers(0, len(bundle) - 1))]
    with pytest.raises(DamagedBundleError):
        list(BundleStream(io.BytesIO(cut), Budget()))


def test_a_tar_truncated_at_any_block_is_damaged() -> None:
    tar = make_tar({"a": b"first" * 300, "b": b""})
    content_end = len(tar.rstrip(b"\0")) // BLOCK * BLOCK + BLOCK
    for length in range(0, content_end + BLOCK, 100):
        with pytest.raises(TarDamageError):
            read(tar[:length])


def test_unread_content_is_skipped() -> None:
    tar = make_tar({"a": b"x" * 5000, "b": b"y"})
    assert [member.name for member in walk(iter([tar]), Meter(Budget()))] == ["a", "b"]


@pytest.mark.parametrize("type_", [b"1", b"2", b"3", b"4", b"5", b"6"])
def test_entries_without_content(type_: bytes) -> None:
    members = read(one(type=type_, linkname="/etc/passwd") + one("x", b"y") + END)
    assert [(name.rstrip("/"), content) for name, content in members] == [("file", b""), ("x", b"y")]


@pytest.mark.parametrize("type_", [b"1", b"2", b"3", b"4", b"5", b"6", b"V", b"Z", b"A", b"N", b"M"])
def test_content_where_none_may_be_is_malformed(type_: bytes) -> None:
    tar = bytearray(one(content=b"hidden") + END)
    tar[156:157] = type_
    with pytest.raises(ValueError, match=r"content|unknown type"):
        read(with_checksum(tar))


def test_a_file_that_some_take_for_a_directory_is_malformed() -> None:
    with pytest.raises(ValueError, match="directory"):
        read(one("dir/", b"hidden") + END)


def pax(**records: str) -> bytes:
    """Return an extended header of such records."""
    lines = b"".join(pax_line(key.replace("__", "."), value) for key, value in records.items())
    return one("pax", lines, tarfile.USTAR_FORMAT, type=b"x")


def pax_line(key: str, value: str) -> bytes:
    line = f" {key}={value}\n".encode()
    length = len(line) + 1
    while len(str(length)) + len(line) != length:
        length += 1
    return str(length).encode() + line


@pytest.mark.parametrize(
    "tar",
    [
        pax(size="512") + one("a", b"x" * 1024),
        pax(size="0") + one("a", b"x"),
        pax(size=str(8**11)) + one("a", b"x"),
        pax(size="-1") + one("a", b"x"),
        pax(path="b") + pax(path="c") + one("a", b"x"),
        pax(path="b") + one("././@LongLink", b"c\0", type=b"L") + one("a", b"x"),
        one("././@LongLink", b"c\0", type=b"L") * 2 + one("a", b"x"),
        pax(path="b"),
        one("pax", b"9 size=1\n", type=b"g") + one("a", b"x"),
        one("pax", b"99 path=b\n", type=b"x") + one("a", b"x"),
        one("pax", b"xx path=b\n", type=b"x") + one("a", b"x"),
    ],
)
def test_headers_that_two_readers_read_differently_are_malformed(tar: bytes) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        read(tar + END)
    assert not isinstance(caught.value, TarDamageError)


def test_harmless_pax_headers() -> None:
    """What is more than names and numbers is content to some readers, so it is shown."""
    comment = one("pax", pax_line("comment", "by git"), type=b"g")
    assert read(comment + pax(path="long", size="1") + one("a", b"x") + END) == [
        ("long (attributes)", b"by git"),
        ("long", b"x"),
    ]


def test_base_256_and_odd_sizes() -> None:
    tar = bytearray(one("a", b"content") + END)
    tar[124:136] = b"\x80" + (7).to_bytes(11, "big")
    assert read(with_checksum(tar)) == [("a", b"content")]
    for bad in (b"\xff" * 12, b"7 7".ljust(12, b"\0"), b"\x000000000007\0", b"9".ljust(12, b"\0")):
        tar[124:136] = bad
        with pytest.raises(ValueError, match="number"):
            read(with_checksum(tar))


def test_a_wrong_checksum_is_damage() -> None:
    tar = bytearray(make_tar({"a": b"b", "c": b"d"}))
    tar[2 * BLOCK] ^= 1
    with pytest.raises(TarDamageError, match="checksum"):
        read(
            bytes(tar[: 2 * BLOCK] + tar[2 * BLOCK :])[0:BLOCK]
            + bytes(tar[BLOCK:]).replace(b"c\0", b"e\0", 1)
        )


def test_what_follows_the_end_is_seen() -> None:
    """T20: a second tar is walked; anything else is content of its own, and malformed."""
    assert read(make_tar({"a": b"1"}) + make_tar({"b": b"2"})) == [("a", b"1"), ("b", b"2")]
    for junk in (b"x", b"junk" * 1000):
        members = walk(iter([make_tar({"a": b"1"}) + junk]), Meter(Budget()))
        next(members)
        trailing = next(members)
        assert (trailing.name, trailing.size, b"".join(trailing.content)) == (TRAILING, None, junk)
        with pytest.raises(ValueError, match="after its end"):
            next(members)


def test_sparse_files_are_marked() -> None:
    tar = bytearray(one("a", b"stored", tarfile.GNU_FORMAT) + END)
    tar[156:157] = b"S"
    members = list(marks(with_checksum(tar)))
    assert members == [("a", True, b"stored")]
    tar[482] = 1
    more = bytearray(with_checksum(tar))
    more[BLOCK:BLOCK] = bytes(BLOCK)  # one block more of map
    assert list(marks(bytes(more))) == members
    modern = pax(GNU__sparse__major="1", GNU__sparse__name="real") + one("a", b"stored") + END
    assert list(marks(modern)) == [("real", True, b"stored")]


def marks(tar: bytes) -> Iterator[tuple[str, bool, bytes]]:
    for member in walk(iter([tar]), Meter(Budget())):
        yield member.name, member.sparse, b"".join(member.content)


def test_budgets() -> None:
    tar = make_tar({"a": b"", "b": b""})
    with pytest.raises(OverBudgetError, match="1 files"):
        read(tar, budget=Budget(members=1))
    with pytest.raises(OverBudgetError, match="path longer"):
        read(make_tar({"d" * 5000: b""}))
    with pytest.raises(OverBudgetError, match="header of more"):
        read(one("x", b"k" * 2_000_000, type=b"L"))


def test_names_are_harmless() -> None:
    ((name, _),) = read(make_tar({"a\x1b[31m\u202egpj\n\udcff": b""}, tarfile.GNU_FORMAT))
    assert name == "a\ufffd[31m\ufffdgpj\ufffd\ufffd"


def test_errors_tell_people_what_to_do() -> None:
    with pytest.raises(DamagedBundleError, match=r"damaged at byte \d+: .* create it again"):
        list(BundleStream(io.BytesIO(make_tgz({"a": b"b" * 10})[:-20]), Budget()))
    with pytest.raises(MalformedBundleError, match=r"near byte .* create it again"):
        list(BundleStream(io.BytesIO(make_tgz({"a": b"b"}) + b"x"), Budget()))


def with_checksum(tar: bytearray) -> bytes:
    tar[148:156] = b" " * 8
    tar[148:156] = b"%06o\0 " % sum(tar[:BLOCK])
    return bytes(tar)
