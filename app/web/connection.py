"""The end of a request, so that the sender gets to read the answer.

Closing a socket with unread bytes makes the kernel send a reset, which throws away an answer
that is still on its way (RFC 9112 section 9.6). Whoever answers 401, 413 or 415 before it has
read the body meets this every time; gunicorn's own remedy gives up after 64 KiB, and runs
in the thread that accepts connections.
"""

import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from time import monotonic
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.wsgi import ClosingIterator

from app.web.body import HeldInput

LINGER_SILENCE = 2.0  # seconds without a byte after which the sender is given up
LINGER_SECONDS = 10.0  # in all; 125 MB at 100 Mbit/s


class TidyConnection:
    """WSGI middleware, outermost. Under any server but gunicorn it does nothing.

    - ``Expect: 100-continue`` is answered when the body is first read, if gunicorn.conf.py has
      ``def pre_request(worker, req): req._expected_100_continue = False``.
    - A peer that neither sends nor takes a byte for ``timeout`` seconds is given up.
    - An answer before the end of the body closes the connection, which then lingers: the
      sender may finish and read, for `LINGER_SECONDS` at most.
    """

    def __init__(self, app: WSGIApplication, *, timeout: float) -> None:
        self.app = app
        self.timeout = timeout

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        stream = environ["wsgi.input"]
        connection = environ.get("gunicorn.socket")
        response: Any = getattr(start_response, "__self__", None)  # gunicorn drops a Connection header
        if connection is None or not hasattr(response, "force_close") or not hasattr(stream, "reader"):
            return self.app(environ, start_response)
        connection.settimeout(self.timeout)
        held = None
        if environ.get("HTTP_EXPECT", "").lower() == "100-continue":
            held = environ["wsgi.input"] = HeldInput(stream, connection)

        def start(*args: Any) -> Any:
            if _unread(stream.reader) or (held and held.held):
                response.force_close()
            return start_response(*args)

        def finish() -> None:
            if response.should_close():
                linger(connection)

        return _on_close(self.app(environ, start), environ, finish)


def linger(connection: socket.socket) -> None:
    """Say that nothing more comes, then throw away what does, until the peer closes."""
    scratch = bytearray(64 * 1024)
    give_up = monotonic() + LINGER_SECONDS
    with suppress(OSError):  # gone, or silent
        connection.shutdown(socket.SHUT_WR)
        while (left := give_up - monotonic()) > 0:
            connection.settimeout(min(left, LINGER_SILENCE))
            if not connection.recv_into(scratch):
                return
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RD)  # else gunicorn's accepting thread would wait for it again


def _unread(reader: Any) -> bool:
    """Whether gunicorn's reader has not seen the end of the body."""
    length = getattr(reader, "length", None)
    if length is not None:
        return bool(length > 0)
    return getattr(reader, "parser", None) is not None  # chunked


def _on_close(answer: Any, environ: WSGIEnvironment, callback: Callable[[], None]) -> Iterable[bytes]:
    if not isinstance(answer, environ["wsgi.file_wrapper"]):
        return ClosingIterator(answer, callback)
    close = answer.close

    def close_and_call() -> None:
        close()
        callback()

    answer.close = close_and_call  # wrapped in anything else, gunicorn would not use sendfile
    return answer  # type: ignore[no-any-return]
