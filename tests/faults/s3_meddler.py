"""Somebody between the portal and its S3 server, who answers in its place, loses and cuts."""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
BROKEN = b"<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>"
FULL = b"<Error><Code>QuotaExceeded</Code><Message>No room.</Message></Error>"
DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


@dataclass
class Request:
    """One request. ``operation`` is its method and what its query asks for: "PUT partNumber=3"."""

    operation: str
    path: str
    body: bytes


@dataclass
class Deed:
    """What is done to the next ``times`` requests that fit."""

    fits: Callable[[Request], bool]
    times: int
    answer: tuple[int, bytes, dict[str, str]] | None = None  # instead of asking the server
    silent: bool = False  # nothing is answered, nor forwarded
    change: Callable[[bytes], bytes] | None = None  # what becomes of the body on its way
    lose: bool = False  # the server does it, and nobody hears of it
    cut: int | None = None  # the answer ends after so many bytes


class S3Meddler:
    """Listens at ``url``; ``seen`` are all requests, in order."""

    def __init__(self, port: int) -> None:
        self.deeds: list[Deed] = []
        self.seen: list[Request] = []
        self.closing = threading.Event()
        self._lock = threading.Lock()
        meddler = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def __getattr__(self, name: str) -> Any:
                if name.startswith("do_"):
                    return lambda: meddler.handle(self, port)
                raise AttributeError(name)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "S3Meddler":
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    @contextmanager
    def doing(self, operation: str, times: int = 1, **what: Any) -> Iterator[Deed]:
        """Do that to the next requests of this kind; all of them must have come by the end."""
        deed = Deed(lambda request: request.operation.startswith(operation), times, **what)
        self.deeds.append(deed)
        yield deed
        self.deeds.remove(deed)
        assert not deed.times, f"{deed.times} such requests never came"

    def count(self, operation: str) -> int:
        return sum(request.operation.startswith(operation) for request in self.seen)

    def handle(self, handler: BaseHTTPRequestHandler, port: int) -> None:
        """Serve one request."""
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        path, _, query = handler.path.partition("?")
        asked = next((part for part in query.split("&") if not part.startswith("uploadId=")), "")
        if handler.command == "POST" and query.startswith("uploadId="):
            asked = "complete"
        request = Request(f"{handler.command} {asked}".strip(), path, body)
        deed = self._next(request)
        if deed.silent:
            self.closing.wait(30)
            handler.close_connection = True
            return
        if deed.answer:
            status, headers, answer = _own(deed.answer)
        else:
            changed = deed.change(body) if deed.change else body
            status, headers, answer = _forwarded(handler, port, changed)
        if deed.lose:
            handler.close_connection = True
            return
        handler.send_response_only(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(answer[: deed.cut])
        handler.close_connection = deed.cut is not None

    def _next(self, request: Request) -> Deed:
        with self._lock:
            self.seen.append(request)
            for deed in self.deeds:
                if deed.times and deed.fits(request):
                    deed.times -= 1
                    return deed
        return Deed(lambda _: True, 1)


def _own(answer: tuple[int, bytes, dict[str, str]]) -> tuple[int, dict[str, str], bytes]:
    status, body, headers = answer
    return status, {"Content-Length": str(len(body)), **headers}, body


def _forwarded(handler: BaseHTTPRequestHandler, port: int, body: bytes) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {name: value for name, value in handler.headers.items() if name != "Expect"}
    connection.request(handler.command, handler.path, body or None, headers)
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    kept = {name: value for name, value in response.getheaders() if name.lower() != "transfer-encoding"}
    if "content-length" not in {name.lower() for name in kept}:
        kept["Content-Length"] = str(len(answer))
    return response.status, kept, answer
