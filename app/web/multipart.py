"""multipart/form-data (RFC 7578) as a stream: fields, and one file that is never held whole.

What stands between the parts is small and read by the `multipart` package; what is in them is
found here. Of a file every byte is looked at once, for the boundary, and copied once, from one
reused buffer into the receiver's: the package would copy it four times, into fresh memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    PushMultipartParser,
    parse_options_header,
)

from app.domain.errors import BadRequestError, TooLargeError, TruncatedBodyError
from app.web.body import Body

MAX_FIELDS = 20
MAX_FIELD_BYTES = 64 * 1024
READ_BYTES = 256 * 1024  # larger ones fall out of the cache between search and copy
_MAX_HEAD_BYTES = 16 * 1024  # of one part; the package's own limits are narrower
_MAX_BOUNDARY_BYTES = 1024  # RFC 2046 allows 70


@dataclass(frozen=True, slots=True)
class Field:
    """A form field, decoded as UTF-8."""

    name: str
    value: str


class FilePart:
    """The file of a form, read like a body. Its length is known only at its end.

    ``at_most``: bytes that it can have, judged by what the whole form has; None where that is not known.
    """

    length: int | None = None

    def __init__(self, name: str, filename: str, content: "_Content", at_most: int | None) -> None:
        self.name = name  # of the form field
        self.filename = filename  # as the sender gave it; empty where nothing was chosen
        self.at_most = at_most
        self.readinto = content.readinto  # see `app.web.body.Body`


def read_form(body: Body, content_type: str) -> Iterator[Field | FilePart]:
    """Yield the parts in the order in which they arrive.

    A file must be read before the next part is asked for; what is left of it is skipped.
    When the iterator ends, the body has been read to its end.

    Args:
        body: read from its beginning.
        content_type: the request's Content-Type.

    Raises:
        BadRequestError: no form, malformed, more than `MAX_FIELDS` fields or a second file.
        TooLargeError: a field has more than `MAX_FIELD_BYTES`.
        TruncatedBodyError: the body ends before the form does.
    """
    media_type, options = parse_options_header(content_type)
    boundary = options.get("boundary", "").encode("latin-1", "replace")
    if media_type != "multipart/form-data" or not 0 < len(boundary) <= _MAX_BOUNDARY_BYTES:
        raise BadRequestError("Send this as multipart/form-data with a boundary.")
    try:
        yield from _parts(body, boundary)
    except MultipartError as error:
        raise _malformed(str(error)) from error


def _parts(body: Body, boundary: bytes) -> Iterator[Field | FilePart]:
    window = _Window(body)
    delimiter = b"\r\n--" + boundary
    _skip(_Content(window, delimiter))  # a preamble, which is rarely there
    fields = files = 0
    while (mark := window.take(2)) == b"\r\n":
        part = _head(window, boundary)
        content = _Content(window, delimiter)
        if part.filename is None:
            fields += 1
            if fields > MAX_FIELDS:
                raise BadRequestError(f"The form has more than {MAX_FIELDS} fields.")
            yield Field(part.name, _value(part.name, content))
        else:
            files += 1
            if files > 1:
                raise BadRequestError("Send one file at a time.")
            end = len(delimiter) + len(b"--")
            at_most = None if body.length is None else max(body.length - window.taken - end, 0)
            yield FilePart(part.name, part.filename, content, at_most)
            _skip(content)
    if mark != b"--":
        raise _malformed("something else behind a boundary")
    while window.more():  # an epilogue
        window.clear()


def _head(window: "_Window", boundary: bytes) -> Any:
    """Read what stands before a part's content; return it as a `MultipartSegment` of the package."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += window.line()
        if head == b"\r\n":
            break
        if len(head) > _MAX_HEAD_BYTES:
            raise _malformed("too many header lines")
    return next(PushMultipartParser(boundary).parse(b"--" + boundary + b"\r\n" + head))


def _value(name: str, content: "_Content") -> str:
    value = bytearray()
    piece = memoryview(bytearray(4096))
    while size := content.readinto(piece):
        value += piece[:size]
        if len(value) > MAX_FIELD_BYTES:
            raise TooLargeError(f"A form field may have {MAX_FIELD_BYTES:,} bytes at most.", field=name)
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise BadRequestError("Form fields must be UTF-8.", field=name) from error


def _skip(content: "_Content") -> None:
    scratch = memoryview(bytearray(READ_BYTES))
    while content.readinto(scratch):
        pass


def _malformed(why: str) -> BadRequestError:
    return BadRequestError("The form is malformed.", error=why)


class _Window:
    """The piece of the body that is being looked at: ``data[start:stop]``."""

    def __init__(self, body: Body) -> None:
        self.data = bytearray(READ_BYTES)
        self.view = memoryview(self.data)
        # As if a line ended before the body, so that the first boundary looks like any other.
        self.data[:2] = b"\r\n"
        self.start, self.stop = 0, 2
        self._body = body
        self._came = 0

    @property
    def taken(self) -> int:
        """Bytes of the body that lie before the window."""
        return self._came - (self.stop - self.start)

    def more(self) -> bool:
        """Wait for more bytes; say whether any came. There must be room in the window."""
        if self.stop == len(self.data):
            kept = self.stop - self.start
            self.data[:kept] = self.data[self.start : self.stop]
            self.start, self.stop = 0, kept
        size = self._body.readinto(self.view[self.stop :])
        self.stop += size
        self._came += size
        return size > 0

    def need(self) -> None:
        """Wait for more bytes. Raises TruncatedBodyError when the body has ended."""
        if not self.more():
            raise TruncatedBodyError("The form ended before its last boundary. Send it again.")

    def clear(self) -> None:
        self.start = self.stop = 0

    def take(self, size: int) -> bytes:
        while self.stop - self.start < size:
            self.need()
        self.start += size
        return bytes(self.view[self.start - size : self.start])

    def line(self) -> bytes:
        """Take a line with its end (CRLF). Raises BadRequestError: longer than any header is."""
        while (end := self.data.find(b"\r\n", self.start, self.stop)) < 0:
            if self.stop - self.start > _MAX_HEAD_BYTES:
                raise _malformed("a header line without an end")
            self.need()
        return self.take(end + 2 - self.start)


class _Content:
    """What is in one part: everything up to the delimiter, which is taken too when it is reached."""

    def __init__(self, window: _Window, delimiter: bytes) -> None:
        self._window = window
        self._delimiter = delimiter
        self._sure = 0  # bytes at the window's start that are content
        self._ended = False  # the delimiter follows them
        self._over = False

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the beginning of ``buffer``; return how many bytes came, 0 at the end."""
        while not self._sure:
            if self._over:
                return 0
            if self._ended:
                self._window.take(len(self._delimiter))
                self._over = True
                return 0
            self._look()
        window = self._window
        size = min(len(buffer), self._sure)
        buffer[:size] = window.view[window.start : window.start + size]
        window.start += size
        self._sure -= size
        return size

    def _look(self) -> None:
        """Find out how much of the window is content; wait for more where nothing of it surely is."""
        window = self._window
        # Nearly every window is without one, which is found out faster from behind.
        if window.data.rfind(self._delimiter, window.start, window.stop) >= 0:
            found = window.data.find(self._delimiter, window.start, window.stop)
            self._sure, self._ended = found - window.start, True
            return
        self._sure = window.stop - window.start - self._beginning()
        if not self._sure:
            window.need()

    def _beginning(self) -> int:
        """Return how many bytes at the window's end may be the beginning of the delimiter."""
        window = self._window
        tail = bytes(window.view[max(window.start, window.stop - len(self._delimiter) + 1) : window.stop])
        at = tail.find(b"\r")
        while at >= 0 and not self._delimiter.startswith(tail[at:]):
            at = tail.find(b"\r", at + 1)
        return len(tail) - at if at >= 0 else 0
