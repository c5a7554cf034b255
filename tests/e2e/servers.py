"""What stands between a server and the portal: a proxy, TLS. Both count what passes."""

import base64
import select
import socket
import ssl
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

PIECE = 256 * 1024


class Front:
    """A listener on a port of its own; ``seen`` lists the first lines that reached it."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.seen: list[str] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):  # closed: that is the end
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._deal_with, args=(near,), daemon=True).start()

    def _deal_with(self, near: socket.socket) -> None:
        with near, suppress(OSError):  # who sent it has gone
            self._serve_one(near)

    def _serve_one(self, near: socket.socket) -> None:
        raise NotImplementedError


class Proxy(Front):
    """An HTTP proxy that wants to know who asks: CONNECT, and requests with absolute addresses."""

    def __init__(self, user: str, password: str) -> None:
        super().__init__()
        self.url = f"http://{user}:{password}@127.0.0.1:{self.port}"
        self._leave = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def _serve_one(self, near: socket.socket) -> None:
        head, rest = _head_of(near)
        first, *fields = head.split("\r\n")
        self.seen.append(first)
        if f"Proxy-Authorization: {self._leave}".lower() not in {field.lower() for field in fields}:
            near.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        method, address, version = first.split(" ")
        target = urlsplit(f"//{address}" if method == "CONNECT" else address)
        assert target.hostname
        with socket.create_connection((target.hostname, target.port or 80)) as far:
            if method == "CONNECT":
                near.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                path = target.path + (f"?{target.query}" if target.query else "")
                kept = [field for field in fields if not field.lower().startswith("proxy-")]
                far.sendall("\r\n".join([f"{method} {path} {version}", *kept, "", ""]).encode() + rest)
            _hand_on(near, far)


class Tls(Front):
    """Takes TLS and hands it on in plain, as the load balancer does; ``ca`` is whom to trust."""

    target: int  # port of the portal, to be set before anybody comes

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.url = f"https://localhost:{self.port}"
        self.ca, key = directory / "ca.pem", directory / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
             "-keyout", key, "-out", self.ca],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.ca, key)

    def _serve_one(self, near: socket.socket) -> None:
        with (
            self._context.wrap_socket(near, server_side=True) as inner,
            socket.create_connection(("127.0.0.1", self.target)) as far,
        ):
            self.seen.append("TLS")
            _hand_on(inner, far)


def _head_of(near: socket.socket) -> tuple[str, bytes]:
    """Return what precedes the first empty line, and what came after it."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = near.recv(PIECE)
        if not more:
            raise ConnectionResetError
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    return head.decode("latin-1"), rest


def _hand_on(near: socket.socket, far: socket.socket) -> None:
    """Hand bytes on, both ways, until either side ends."""
    while True:
        pending = [near] if isinstance(near, ssl.SSLSocket) and near.pending() else []
        for source in pending or select.select([near, far], [], [])[0]:
            data = source.recv(PIECE)
            if not data:
                return
            (far if source is near else near).sendall(data)
