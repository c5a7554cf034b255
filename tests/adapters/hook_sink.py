"""A webhook's other end: a server on 127.0.0.1 that keeps what it is sent and answers as it is told."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message as Headers
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Answer = Callable[[BaseHTTPRequestHandler], None]
SECRET_WORDS = b"<script>internal answer</script>"


@dataclass(frozen=True, slots=True)
class Got:
    """One request, whole."""

    path: str
    headers: "Headers[str, str]"
    body: bytes
    method: str


class HookSink:
    """``answer`` says what comes back: a status, or a function that does as it likes."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.answer: int | Answer = 200
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                sink.got.append(Got(self.path, self.headers, body, self.command))
                if callable(sink.answer):
                    sink.answer(self)
                else:
                    answer(sink.answer)(self)

            do_PUT = do_POST  # noqa: N815  # http.server's name

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/hooks/abcdefghijkl"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def answer(status: int, **headers: str) -> Answer:
    """Answer with ``status``, and words that nobody at the portal is to read."""

    def give(to: BaseHTTPRequestHandler) -> None:
        to.send_response(status)
        for name, value in {"Content-Length": str(len(SECRET_WORDS)), **headers}.items():
            to.send_header(name, value)
        to.end_headers()
        to.wfile.write(SECRET_WORDS)

    return give


def hang_up(to: BaseHTTPRequestHandler) -> None:
    """Take it, and go away without a word."""
    to.close_connection = True


def never_answer(to: BaseHTTPRequestHandler) -> None:
    """Take it, and say nothing until the other side has had enough."""
    to.rfile.read(1)
    to.close_connection = True
