"""A tiny WSGI application under which the tests look at bodies and connections from outside.

gunicorn -c tests/web/probe.py tests.web.probe:application
"""

import hashlib
import json
from collections.abc import Iterable
from tempfile import TemporaryFile
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from app.domain.errors import PortalError
from app.web.body import open_body
from app.web.connection import TidyConnection

# read by gunicorn as its configuration
worker_class, threads, keepalive = "gthread", 8, 5
control_socket_disable = True  # it would lie in the home directory

TIMEOUT = 1.0  # seconds of silence; tests wait for it to pass, never race it
FILE_BYTES = 3 * 1024**2


def pre_request(_worker: Any, req: Any) -> None:
    """See gunicorn.conf.py."""
    req._expected_100_continue = False


class KernelOnly:
    """A file of zeros that can be sent by sendfile and in no other way."""

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 - the server closes it
        self._file.truncate(FILE_BYTES)
        self.fileno, self.close = self._file.fileno, self._file.close


def digest(environ: WSGIEnvironment) -> dict[str, object]:
    """Read the body; tell what came and how it was read."""
    body = open_body(environ, timeout=TIMEOUT)
    hasher, size = hashlib.sha256(), 0
    buffer = memoryview(bytearray(100_000))
    while piece := body.readinto(buffer):
        hasher.update(buffer[:piece])
        size += piece
    return {"size": size, "sha256": hasher.hexdigest(), "length": body.length, "by": type(body).__name__}


def probe(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """`/refuse` answers 413 unread, `/file` sends with sendfile, anything else digests the body."""
    if environ["PATH_INFO"] == "/file":
        start_response("200 OK", [("Content-Length", str(FILE_BYTES))])
        return environ["wsgi.file_wrapper"](KernelOnly())  # type: ignore[no-any-return]
    status = "200 OK"
    answer: dict[str, object]
    if environ["PATH_INFO"] == "/refuse":
        status, answer = "413 Content Too Large", {"refused": True}
    else:
        try:
            answer = digest(environ)
        except PortalError as error:
            status, answer = f"{int(error.status)} Refused", {"message": error.message}
    text = json.dumps(answer).encode()
    start_response(status, [("Content-Length", str(len(text)))])
    return [text]


application = TidyConnection(probe, timeout=TIMEOUT)
