"""How stored bytes leave: most of them through the kernel, the last ones only after a last look.

A body that is complete was looked at when all of it had been read; one that turns out to have
been wrong stays shorter than its Content-Length, or without its last chunk, and its connection
is reset (RFC 9112 section 8).
"""

import errno
import fcntl
import io
import os
import select
import socket
import ssl
import struct
import termios
from collections.abc import Iterable, Iterator
from contextlib import suppress
from time import monotonic, sleep
from typing import BinaryIO, NoReturn, Protocol
from wsgiref.types import WSGIEnvironment

from app.log import get_logger

log = get_logger(__name__)

READ_BYTES = 1024**2  # per turn, where the kernel does not do it
PIECE = 16 * 1024**2  # asked of the kernel at once
TAIL = 64 * 1024  # held back until the last look
# The kernel sends a file's pages, not a copy: what is written to the file before they are gone goes
# out too. So the end is copied, and is longer than what a connection holds by default.
COPIED = 8 * 1024**2
_WAIT = 1.0  # seconds between two looks while a client takes nothing


class CutShortError(ConnectionResetError):
    """The rest does not go out. To the server it looks like a client that left."""

    def __init__(self, why: str) -> None:
        super().__init__(errno.ECONNRESET, why)


class Watch(Protocol):
    """Looks whether the bytes may still go out. Both raise CutShortError when they may not."""

    def look(self) -> None:
        """Look, if the last time is long enough ago."""

    def look_last(self) -> None:
        """Look at everything now."""


class Body:
    """A WSGI body. However it ends before its end, nobody can take it for a whole one."""

    def __init__(self, parts: Iterator[bytes], file: BinaryIO, connection: socket.socket | None) -> None:
        self._parts = parts
        self._file = file
        self._connection = connection

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._parts)
        except StopIteration:
            raise
        except OSError:
            self._reset()
            raise
        except Exception as error:
            log.exception("download_failed")
            self._reset()
            raise CutShortError(str(error)) from error

    def close(self) -> None:
        """Close the file. The server calls it in any case."""
        self._file.close()

    def _reset(self) -> None:
        if self._connection is None:
            return
        with suppress(OSError), socket.socket(self._connection.family) as dead:
            # of 0 seconds: what still waits to be sent is thrown away (socket(7))
            self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            # closes the connection at once, and leaves the server a socket to close
            os.dup2(dead.fileno(), self._connection.fileno(), inheritable=False)


def connection_of(environ: WSGIEnvironment) -> socket.socket | None:
    """Return the socket that HTTP/1 bodies may be written to beside the server; None if there is none."""
    connection = environ.get("gunicorn.socket")
    if not isinstance(connection, socket.socket) or isinstance(connection, ssl.SSLSocket):
        return None
    return connection if environ["SERVER_PROTOCOL"] in {"HTTP/1.0", "HTTP/1.1"} else None


def parts_of_file(
    file: BinaryIO, start: int, stop: int, watch: Watch, connection: socket.socket | None
) -> Iterator[bytes]:
    """Yield the bytes from ``start`` up to ``stop``, but for those that went through ``connection``.

    With a connection, whoever takes what is yielded must have written it there before asking for
    more; what is yielded first makes the server send the head.
    """
    if connection is not None and stop - start > TAIL + COPIED and _has_pages(file):
        yield _read(file, start, TAIL, watch)
        _send_file(connection, file, start + TAIL, stop - COPIED, watch)
        start = stop - COPIED
    else:
        connection = None
    tail_at = max(start, stop - TAIL)
    for at in range(start, tail_at, READ_BYTES):
        yield _read(file, at, min(READ_BYTES, tail_at - at), watch)
        watch.look()
    tail = _read(file, tail_at, stop - tail_at, watch)
    if connection is not None:
        _await_taken(connection, COPIED - TAIL, watch)
    watch.look_last()
    yield tail


def parts_of_stream(chunks: Iterable[bytes], watch: Watch) -> Iterator[bytes]:
    """Yield ``chunks``, the last one after a last look."""
    held = b""
    for chunk in _made(chunks, watch):
        if held:
            yield held
        watch.look()
        held = chunk
    watch.look_last()
    yield held


def _made(chunks: Iterable[bytes], watch: Watch) -> Iterator[bytes]:
    try:
        yield from chunks
    except Exception:
        watch.look_last()  # more likely than a bug: the object changed under whoever reads it
        raise


def _has_pages(file: BinaryIO) -> bool:
    """Whether the kernel has the file; an object in S3 is none."""
    try:
        file.fileno()
    except io.UnsupportedOperation:
        return False
    return True


def _read(file: BinaryIO, at: int, size: int, watch: Watch) -> bytes:
    try:
        file.seek(at)
        data = file.read(size)
    except OSError:
        watch.look_last()  # more likely than a broken disk: the object changed under whoever reads it
        raise
    if len(data) != size:
        _ended(at + len(data), watch)
    return data


def _ended(at: int, watch: Watch) -> NoReturn:
    watch.look_last()
    raise CutShortError(f"The stored object ends at byte {at}.")


def _send_file(connection: socket.socket, file: BinaryIO, at: int, stop: int, watch: Watch) -> None:
    """Send by sendfile(2), as fast as the client takes it, and look in between."""
    out = connection.fileno()
    writable = select.poll()
    writable.register(out, select.POLLOUT)
    patience = _Patience(connection)
    while at < stop:
        try:
            sent = os.sendfile(out, file.fileno(), at, min(stop - at, PIECE))
        except BlockingIOError:
            if not writable.poll(_WAIT * 1000):
                patience.lose()
        else:
            if not sent:
                _ended(at, watch)
            at += sent
            patience.renew()
        watch.look()


def _await_taken(connection: socket.socket, copied: int, watch: Watch) -> None:
    """Return when all that still waits to be sent is among the last ``copied`` bytes, which are no pages."""
    patience = _Patience(connection)
    least = waits = _waiting(connection)
    while waits > copied:
        sleep(0.01)
        watch.look()
        waits = _waiting(connection)
        if waits < least:
            least = waits
            patience.renew()
        patience.lose()


def _waiting(connection: socket.socket) -> int:
    """Return how many bytes the client has not acknowledged (tcp(7): SIOCOUTQ)."""
    (size,) = struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)))
    return int(size)


class _Patience:
    """Gives a client up that takes nothing for as long as the socket's timeout."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._since = monotonic()

    def renew(self) -> None:
        self._since = monotonic()

    def lose(self) -> None:
        limit = self._connection.gettimeout()
        if limit is not None and monotonic() - self._since > limit:
            raise CutShortError("The client takes nothing any more.")
