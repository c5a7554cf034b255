"""A clamd whose answers a test makes up, and a whole scan with it."""

import io
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.adapters.scanner import ClamdScanner
from app.bundle.budget import Budget
from app.domain.verdict import ScanReport
from app.services.scanning.examine import examine
from tests.factories.bundles import make_tgz

OK = b"stream: OK\n"
TIMEOUT = 0.8  # seconds: a busy machine takes some to answer at all
Answer = Callable[[socket.socket], None]


class Stub(socketserver.ThreadingUnixStreamServer):
    """Answers INSTREAM as ``answer`` does, and the rest as clamd would. ``streams`` counts."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), _Handler)
        self.answer: Answer = replying(OK)
        self.version = b"ClamAV 1.4.6/27450/Sun Oct 11 08:09:10 2026\n"
        self.streams = 0
        self.over = threading.Event()  # whoever hangs may go

    def handle_error(self, *_: object) -> None:
        """Say nothing: the other end leaves early in many of these tests."""


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        stub = self.server
        assert isinstance(stub, Stub)
        command = b""
        while not command.endswith(b"\n"):
            command += self.request.recv(1)
        if command == b"nINSTREAM\n":
            stub.streams += 1
            stub.answer(self.request)
        else:
            self.request.sendall({b"nPING\n": b"PONG\n", b"nVERSION\n": stub.version}[command])


@contextmanager
def running(directory: Path) -> Iterator[Stub]:
    """Give a stub that listens on a socket in the directory."""
    with Stub(directory / "clamd.sock") as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


SMALL = make_tgz({"a": b"fine", "b": b"also fine"})
LARGE = make_tgz({"a": b"fine", "large": bytes(range(256)) * 16_384, "z": b"fine"})  # 4 MiB: many pieces


def scan(stub: Stub, answer: Answer, bundle: bytes = SMALL) -> ScanReport:
    """Examine a bundle with a clamd that answers so."""
    stub.answer = answer
    scanner = ClamdScanner(f"unix:{stub.server_address}", TIMEOUT)
    return examine(scanner, io.BytesIO(bundle), budget=Budget(), connections=2)


def take_all(connection: socket.socket) -> None:
    """Read a stream to its end."""
    while size := struct.unpack("!L", _exactly(connection, 4))[0]:
        _exactly(connection, size)


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise ConnectionError
        data += more
    return data


def replying(*pieces: bytes, pause: float = 0.0) -> Answer:
    """Take the stream, then answer in such pieces and hang up."""

    def answer(connection: socket.socket) -> None:
        take_all(connection)
        for piece in pieces:
            connection.sendall(piece)
            threading.Event().wait(pause)

    return answer
