"""The end of a request, so that the sender gets to read the answer.

Closing a socket with unread bytes makes the kernel send a reset, which throws away an answer
that is still on its way (RFC 9112 section 9.6). Whoever answers 401, 413 or 415 before it has
read the body meets this every time; gunicorn's own remedy gives up after 64 KiB, and runs
in the thread that accepts connections.
"""

import socket
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.wsgi import ClosingIterator

from app.web.expecting import HeldInput
from app.web.lingering import Lingerer
from app.web.pace import Pace, PacedSocket, unreader_of


class TidyConnection:
    """WSGI middleware, outermost. Under any server but gunicorn it does nothing.

    - ``Expect: 100-continue`` is answered when the body is first read, if gunicorn.conf.py has
      ``def pre_request(worker, req): req._expected_100_continue = False``.
    - A peer that neither sends nor takes a byte for ``timeout`` seconds is given up, and so is one
      that is silent, or sends fewer than ``rate`` bytes a second, for ``window`` seconds, unless the view
      opens the body (`app.web.body`) and sets another pace: the bodies of forms are small.
    - An answer before the end of the body closes the connection, which then lingers, though in
      no thread of the server's: the sender may finish and read (`app.web.lingering`).
    - So does any answer once the process is ``stopping``: the next request goes elsewhere.
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        timeout: float,
        rate: int = 0,
        window: float = 10.0,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self.app = app
        self.timeout = timeout
        self.rate = rate
        self.window = window
        self._stopping = stopping
        self._lingerer = Lingerer()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        stream: Any = environ["wsgi.input"]
        response: Any = getattr(start_response, "__self__", None)  # gunicorn drops a Connection header
        if "gunicorn.socket" not in environ or not hasattr(response, "force_close"):
            return self.app(environ, start_response)
        if not hasattr(stream, "reader"):
            return self.app(environ, start_response)
        connection: socket.socket = environ["gunicorn.socket"]
        connection.settimeout(self.timeout)
        unreader = unreader_of(stream.reader)
        if _unread(stream.reader) and getattr(unreader, "sock", None) is connection:
            pace = Pace(rate=self.rate, window=self.window)
            unreader.sock = PacedSocket(connection, pace, silence=min(self.window, self.timeout))
        held = None
        if environ.get("HTTP_EXPECT", "").lower() == "100-continue":
            held = environ["wsgi.input"] = HeldInput(stream, connection)

        def start(*args: Any) -> Any:
            if _unread(stream.reader) or (held and held.held) or self._stopping():
                response.force_close()
            return start_response(*args)

        def finish() -> None:
            if getattr(unreader, "sock", None) is not None:
                unreader.sock = connection
            if response.should_close():
                self._lingerer.take(connection)

        return _on_close(self.app(environ, start), environ, finish)


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
