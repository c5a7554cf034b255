"""clamd over its socket, with what the `clamd` package leaves undone put right.

The package keeps its socket on the client object, so one object serves one call here. It
sends in pieces of 1 KiB with ``send``, which may send less; and it has no word for a clamd
that answers early, falls silent or goes away.
"""

import re
import select
import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NoReturn

import clamd

from app.bundle.names import display_name
from app.domain.errors import ScannerUnavailableError
from app.domain.verdict import Engine, StreamResult, StreamVerdict

CONNECT_TIMEOUT = 5.0  # seconds
VERSION_TIMEOUT = 5.0  # seconds; pages and probes wait for it
CHUNK = 256 * 1024  # bytes of one INSTREAM piece at most
LONGEST_REPLY = 8 * 1024  # bytes

_CLEAN = "stream: OK"
_FOUND = re.compile(r"stream: (\S.*) FOUND")
_NOT_MALWARE = (
    ("Heuristics.Limits.", StreamResult.LIMIT),
    ("Heuristics.Encrypted.", StreamResult.ENCRYPTED),
)


class _Call(clamd.ClamdNetworkSocket):  # type: ignore[misc]  # the package has no types
    """One connection for one command."""

    def __init__(self, address: str, timeout: float) -> None:
        """Connect. Raises OSError."""
        super().__init__(timeout=timeout)
        self.clamd_socket = _connect(address)
        self.clamd_socket.settimeout(timeout)

    def _init_socket(self) -> None:
        """Do nothing: this object was born connected and serves one command."""

    def _send_command(self, cmd: str, *args: str) -> None:
        self.clamd_socket.sendall(" ".join((f"n{cmd}", *args)).encode() + b"\n")

    def _recv_response(self) -> str:
        """Return the line that clamd answers.

        Raises:
            OSError: it fell silent, or went away before the line's end.
        """
        with self.clamd_socket.makefile("rb") as replies:
            line: bytes = replies.readline(LONGEST_REPLY)
            if not line.endswith(b"\n"):
                raise ConnectionResetError("no reply")
            try:
                more = replies.read(1)  # clamd says one line and hangs up
            except ConnectionResetError:  # without having listened to the end, so it is no OK
                more = line[: len(_CLEAN)] if line == _CLEAN.encode() + b"\n" else b""
            if more:
                raise ConnectionResetError("more than a reply")
        return display_name(line[:-1])

    def instream(self, buff: Iterable[bytes | memoryview]) -> str:
        """Send the chunks and return the reply, word for word.

        Raises:
            OSError: clamd fell silent for the timeout, or went away without a reply.
        """
        try:
            whole = self._send_whole(buff)
            reply = self._recv_response()
        finally:
            self._close_socket()
        if reply == _CLEAN and not whole:
            raise ConnectionResetError("it answered before the end of the stream")
        return reply

    def _send_whole(self, chunks: Iterable[bytes | memoryview]) -> bool:
        """Send until the end, or until clamd no longer listens: over a limit it says so and hangs up."""
        self._send_command("INSTREAM")
        for piece in _pieces(chunks):
            try:
                if self._answered():
                    return False
                self.clamd_socket.sendall(struct.pack("!L", len(piece)))
                self.clamd_socket.sendall(piece)
            except (BrokenPipeError, ConnectionResetError):
                return False
        self.clamd_socket.sendall(bytes(4))
        return True

    def _answered(self) -> bool:
        """Whether clamd has replied, or hung up, before the end of the stream."""
        poll = select.poll()
        poll.register(self.clamd_socket, select.POLLIN)
        return bool(poll.poll(0))


class ClamdScanner:
    """Implements `app.ports.Scanner`; safe to use from many threads."""

    def __init__(self, address: str, timeout: float) -> None:
        """``address`` is ``unix:/path`` or ``tcp:host:port``; ``timeout`` the longest silence, seconds.

        Raises:
            ValueError: the address has neither form.
        """
        if not re.fullmatch(r"unix:/.+|tcp:.+:\d+", address):
            raise ValueError("a clamd address is unix:/path or tcp:host:port")
        self._address = address
        self._timeout = timeout

    def scan(self, chunks: Iterable[bytes | memoryview]) -> StreamVerdict:
        """Send one stream and return the answer about it.

        Raises:
            ScannerUnavailableError: clamd cannot be reached; or it went away and stays away, and
                then ``context["in_stream"]`` is true: this very stream may be what ended it.
        """
        with self._reaching():
            call = _Call(self._address, self._timeout)
        try:
            return verdict_of(call.instream(chunks))
        except TimeoutError:
            return StreamVerdict(StreamResult.ERROR, f"no answer within {self._timeout:g} seconds")
        except OSError as error:
            with self._reaching(in_stream=True):
                _Call(self._address, self._timeout).ping()
            return StreamVerdict(StreamResult.ERROR, f"connection lost: {error}")

    def engine(self) -> Engine:
        """Ask which engine and signatures answer. Raises ScannerUnavailableError."""
        with self._reaching():
            return engine_of(_Call(self._address, min(self._timeout, VERSION_TIMEOUT)).version())

    @contextmanager
    def _reaching(self, *, in_stream: bool = False) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError, clamd.ClamdError) as error:
            raise ScannerUnavailableError(
                "The virus scanner cannot be reached.",
                address=self._address,
                error=str(error),
                in_stream=in_stream,
            ) from error


class NoScanner:
    """Implements `app.ports.Scanner` for processes that have none, and need none."""

    def scan(self, chunks: Iterable[bytes | memoryview]) -> StreamVerdict:  # noqa: ARG002  # the port's
        """Raise ScannerUnavailableError."""
        return self._away()

    def engine(self) -> Engine:
        """Raise ScannerUnavailableError."""
        return self._away()

    def _away(self) -> NoReturn:
        raise ScannerUnavailableError("This process has no virus scanner: see DIAGPORT_CLAMD_ADDRESS.")


def verdict_of(reply: str) -> StreamVerdict:
    """Read clamd's reply to INSTREAM. One reply is clean, and no other."""
    if reply == _CLEAN:
        return StreamVerdict(StreamResult.CLEAN)
    if reply == "INSTREAM size limit exceeded. ERROR":
        return StreamVerdict(StreamResult.LIMIT, "StreamMaxLength")
    found = _FOUND.fullmatch(reply)
    if found is None:
        return StreamVerdict(StreamResult.ERROR, reply[:200])
    signature = found[1]
    for prefix, result in _NOT_MALWARE:
        if signature.startswith(prefix):
            return StreamVerdict(result, signature)
    return StreamVerdict(StreamResult.INFECTED, signature)


def engine_of(reply: str) -> Engine:
    """Read clamd's reply to VERSION: ``ClamAV 1.4.6/27450/Sun Oct 11 08:00:00 2026``.

    A database without a version (loose files) leaves out all after the name. clamd writes
    its local time; its host must run on UTC.

    Raises:
        ValueError: no engine answers so.
    """
    name, _, rest = reply.partition("/")
    if not name.startswith("ClamAV "):
        raise ValueError(f"not a version: {reply[:200]!r}")
    signatures, _, built = rest.partition("/")
    try:
        built_at = datetime.strptime(built, "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
    except ValueError:
        built_at = None
    return Engine(name, signatures or None, built_at)


def _connect(address: str) -> socket.socket:
    kind, _, place = address.partition(":")
    if kind == "tcp":
        host, _, port = place.rpartition(":")
        return socket.create_connection((host.strip("[]"), int(port)), CONNECT_TIMEOUT)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(CONNECT_TIMEOUT)
        connection.connect(place)
    except OSError:
        connection.close()
        raise
    return connection


def _pieces(chunks: Iterable[bytes | memoryview]) -> Iterator[memoryview]:
    """Cut the chunks to CHUNK bytes. None is empty: an empty piece would end the stream."""
    for chunk in chunks:
        view = memoryview(chunk)
        for start in range(0, len(view), CHUNK):
            yield view[start : start + CHUNK]
