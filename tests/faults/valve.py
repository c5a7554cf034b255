"""A valve in the pipe to clamd: it answers questions as ever, but what is to be scanned must wait."""

import socket
import threading
from contextlib import closing, suppress

INSTREAM = b"nINSTREAM\n"


class Valve:
    """Listens at ``address``; while shut, streams get no farther than this. It begins open."""

    def __init__(self, clamd_socket: str) -> None:
        self._clamd = clamd_socket
        self._open = threading.Event()
        self._open.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp:127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def open(self) -> None:
        self._open.set()

    def shut(self) -> None:
        self._open.clear()

    def close(self) -> None:
        self._open.set()
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
            if first == INSTREAM:
                self._open.wait()
            clamd.connect(self._clamd)
            clamd.sendall(first)
            forth = threading.Thread(target=_pump, args=(client, clamd), daemon=True)
            forth.start()
            _pump(clamd, client)
            forth.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
