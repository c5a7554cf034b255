"""Somebody in the pipe to clamd, who does things to the streams that hold a marker."""

import socket
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass

INSTREAM, VERSION = b"nINSTREAM\n", b"nVERSION\n"
MARKER = b"the marker that Meddler looks for"


@dataclass
class Stream:
    """One stream on its way. Closing either end ends it."""

    client: socket.socket
    clamd: socket.socket
    pause: float = 0.0  # seconds before each further KiB

    def cut(self) -> None:
        for end in (self.client, self.clamd):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def answer(self, reply: bytes) -> None:
        self.client.sendall(reply + b"\n")
        self.cut()


class Meddler:
    """Listens at ``address``.

    ``deed`` is done, once, to each stream that holds MARKER. ``every`` cuts each so-manyth stream off
    in the middle. ``version`` is answered in clamd's place.
    """

    def __init__(self, clamd_socket: str) -> None:
        self._clamd = clamd_socket
        self.deed: Callable[[Stream], None] | None = None
        self.every = 0
        self.cuts = 0
        self.version: bytes | None = None
        self.closing = threading.Event()
        self._streams = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp:127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with closing(client), suppress(OSError), closing(socket.socket(socket.AF_UNIX)) as clamd:
            first = client.recv(len(INSTREAM))
            if first == VERSION and self.version:
                client.sendall(self.version + b"\n")
                return
            clamd.connect(self._clamd)
            clamd.sendall(first)
            back = threading.Thread(target=_pump, args=(clamd, client), daemon=True)
            back.start()
            if first == INSTREAM:
                self._meddle(Stream(client, clamd))
            else:
                _pump(client, clamd)
            back.join()

    def _meddle(self, stream: Stream) -> None:
        self._streams += 1
        tail = b""
        deed = self.deed
        to_be_cut = self.every and self._streams % self.every == 0
        while data := stream.client.recv(1024 if stream.pause else 65536):
            if to_be_cut:
                self.cuts += 1
                stream.clamd.sendall(data[: len(data) // 2])
                return stream.cut()
            tail = tail[-len(MARKER) :] + data
            if deed and MARKER in tail:
                deed(stream)
                deed = None
            self.closing.wait(stream.pause)
            stream.clamd.sendall(data)
        return stream.clamd.shutdown(socket.SHUT_WR)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
