"""Request bodies, read past gunicorn's own reader where that is possible.

gunicorn copies every byte four times on its way through `wsgi.input`; a plain socket read
into one reused buffer runs three times as fast. What makes that safe is that gunicorn's
count of the unread bytes is the only count there is: it is true after every read, so
keep-alive, pipelining and gunicorn's own clean-up go on working. Of a chunked body gunicorn's
parser is asked for each piece as it comes. Where the parts it takes are not there (TLS, HTTP/2,
other servers), `wsgi.input` is read instead.
"""

import io
import socket
import ssl
from collections.abc import Callable
from time import monotonic
from types import GeneratorType
from typing import Any, Protocol
from wsgiref.types import WSGIEnvironment

from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]

from app.domain.errors import BadRequestError, TruncatedBodyError
from app.web.expecting import HeldInput
from app.web.pace import Pace, PacedSocket, SlowBodyError, unreader_of

STREAM_READ_BYTES = 256 * 1024  # wsgi.input waits until it has this much


class Body(Protocol):
    """A request body, read once from its beginning to its end."""

    length: int | None  # bytes as announced; None: chunked, known only at the end

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the beginning of ``buffer``; return how many bytes came, 0 at the end.

        Raises:
            TruncatedBodyError: the sender left or fell silent before the end.
            BadRequestError: the chunked framing is broken (RFC 9112 section 7.1).
        """


def open_body(environ: WSGIEnvironment, *, timeout: float, pace: Pace | None = None) -> Body:
    """Begin to read the request body.

    A sender that waits for `100 Continue` gets it with the first read, so that a refusal before
    that costs nobody the body.

    Args:
        environ: of a request whose ``wsgi.input`` nobody has read from.
        timeout: longest silence of the sender, in seconds (gunicorn only).
        pace: how slow it may be besides; as slow as it likes by default (gunicorn only).

    Raises:
        BadRequestError: ``Content-Length`` is no number.
    """
    stream = environ["wsgi.input"]
    held = stream if isinstance(stream, HeldInput) else None
    inner = held.inner if held else stream
    connection: Any = environ.get("gunicorn.socket")
    if connection is not None:
        connection.settimeout(timeout)
    pace = pace or Pace(rate=0, window=float("inf"))
    if _is_plain(connection, inner):
        reader: Any = inner.reader
        unreader_of(reader).sock = connection  # watched here from now on
        begin = held.release if held else lambda: None
        if type(getattr(reader, "length", None)) is int:
            return _SocketBody(connection, reader, pace, begin)
        if isinstance(getattr(reader, "parser", None), GeneratorType) and reader.buf.tell() == 0:
            return _ChunkedBody(connection, reader, pace, begin)
    return _StreamBody(stream, _announced(environ))


def _is_plain(connection: Any, stream: Any) -> bool:
    """Whether this is a gunicorn that keeps its books the way `_SocketBody` keeps them."""
    unreader = unreader_of(getattr(stream, "reader", None))
    return (
        isinstance(connection, socket.socket)
        and not isinstance(connection, ssl.SSLSocket)
        and connection in {getattr(unreader, "sock", None), _watched(unreader)}
        and isinstance(getattr(unreader, "buf", None), io.BytesIO)
        and isinstance(getattr(stream, "buf", None), io.BytesIO)
        and stream.buf.tell() == 0  # nothing read through wsgi.input yet
    )


def _watched(unreader: Any) -> socket.socket | None:
    """Return the connection that `app.web.connection` has put under watch."""
    paced = getattr(unreader, "sock", None)
    return paced.connection if isinstance(paced, PacedSocket) else None


def _announced(environ: WSGIEnvironment) -> int | None:
    """Return Content-Length, None for a chunked body, 0 where there is no body."""
    text = environ.get("CONTENT_LENGTH") or ""
    if text.isascii() and text.isdigit():
        return int(text)
    if text:
        raise BadRequestError("Content-Length must be a number.")
    return None if environ.get("wsgi.input_terminated") else 0


class _SocketBody:
    """Reads the socket and keeps gunicorn's count, ``reader.length``, of what is left.

    The parser holds the first bytes of the body and perhaps, behind them, the next
    request, which is left where it is.
    """

    def __init__(
        self, connection: socket.socket, reader: Any, pace: Pace, begin: Callable[[], object]
    ) -> None:
        self.length: int | None = reader.length
        self._announced: int = reader.length
        self._connection = connection
        self._reader = reader
        self._pace = pace
        self._begin: Callable[[], object] | None = begin

    def readinto(self, buffer: memoryview, /) -> int:
        """See `Body`."""
        if self._begin:
            self._begin()
            self._begin = None
        wanted = min(len(buffer), self._reader.length)
        if wanted == 0:
            return 0
        size = self._buffered(buffer[:wanted]) or self._receive(buffer[:wanted])
        self._reader.length -= size
        return size

    def _buffered(self, buffer: memoryview) -> int:
        unreader = self._reader.unreader
        if not unreader.buf.tell():
            return 0
        held = unreader.buf.getvalue()
        size = min(len(held), len(buffer))
        buffer[:size] = held[:size]
        unreader.buf = io.BytesIO()
        unreader.buf.write(held[size:])
        return size

    def _receive(self, buffer: memoryview) -> int:
        self._pace.check()
        began = monotonic()
        try:
            size = self._connection.recv_into(buffer)
        except OSError as error:
            raise _cut_short(self._announced - self._reader.length, self._announced, error) from error
        self._pace.note(size, monotonic() - began)
        if size == 0:
            raise _cut_short(self._announced - self._reader.length, self._announced)
        return size


class _ChunkedBody:
    """gunicorn's parser of chunks, asked for one piece at a time.

    ``wsgi.input`` would wait until it has all that was asked for, however slowly that comes.
    """

    def __init__(
        self, connection: socket.socket, reader: Any, pace: Pace, begin: Callable[[], object]
    ) -> None:
        self.length: int | None = None
        self._connection = connection
        self._reader = reader
        self._begin: Callable[[], object] | None = begin
        self._paced = PacedSocket(connection, pace)
        self._rest = memoryview(b"")
        self._received = 0

    def readinto(self, buffer: memoryview, /) -> int:
        """See `Body`."""
        if self._begin:
            self._begin()
            self._begin = None
        if not self._rest:
            self._rest = memoryview(self._next())
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        self._received += size
        return size

    def _next(self) -> bytes:
        """Return the next piece, empty at the end. After an error the reader's parser stays: unfinished."""
        unreader = unreader_of(self._reader)
        unreader.sock = self._paced
        try:
            piece: bytes = next(filter(None, self._reader.parser or ()), b"")
        except OSError as error:
            raise _cut_short(self._received, None, error) from error
        except ParseException as error:
            raise BadRequestError("The chunked body is malformed.", error=str(error)) from error
        finally:
            unreader.sock = self._connection
        if not piece:
            self._reader.parser = None  # how gunicorn's reader notes the end
        return piece


class _StreamBody:
    """``wsgi.input``. Never asked for more than the announced length: some servers would wait."""

    def __init__(self, stream: Any, length: int | None) -> None:
        self.length = length
        self._stream = stream
        self._received = 0

    def readinto(self, buffer: memoryview, /) -> int:
        """See `Body`."""
        wanted = min(len(buffer), STREAM_READ_BYTES)
        if self.length is not None:
            wanted = min(wanted, self.length - self._received)
        if wanted == 0:
            return 0
        try:
            data = self._stream.read(wanted)
        except OSError as error:
            raise _cut_short(self._received, self.length, error) from error
        except ParseException as error:
            raise BadRequestError("The chunked body is malformed.", error=str(error)) from error
        if not data and self.length is not None:
            raise _cut_short(self._received, self.length)
        buffer[: len(data)] = data
        self._received += len(data)
        return len(data)


def _cut_short(received: int, length: int | None, error: OSError | None = None) -> TruncatedBodyError:
    counts = f"{received:,} of {length:,} bytes" if length is not None else f"{received:,} bytes"
    if isinstance(error, TimeoutError):
        return SlowBodyError(f"Nothing more came for too long: {counts} arrived. Send it again.")
    return TruncatedBodyError(
        f"The sender stopped early: {counts} arrived. Send it again.", error=str(error or "")
    )
