"""How many request bodies one process receives at a time, because each of them holds a thread.

Some threads are never lent to bodies, so that pages, and refusals, always find one. Of the others
one organisation gets a share. Who comes too many is told so before the first byte, and when to
come again. So is whoever is still sending when the process must end (`OpenBodies.stop`).
"""

import socket
import threading
import time
from collections import Counter
from contextlib import suppress
from http import HTTPStatus
from typing import ClassVar, cast
from uuid import UUID

from flask import Flask, current_app, g, request

from app.domain.errors import PortalError, TruncatedBodyError
from app.settings import Settings
from app.web.body import Body, open_body
from app.web.context import actor, system
from app.web.pace import Pace

_FAREWELL_SECONDS = 10.0  # before the end of the process: for the answers to senders who must come again
_NOTICE_SECONDS = 1.0  # in which whoever is sending has noticed


class BusyError(PortalError):
    """Too many bodies are arriving; the same request will do in a moment."""

    status, code = 503, "busy"
    retry_after: ClassVar[int | None] = 5


class StoppingError(TruncatedBodyError):
    """This process ends before the body does. What came is durable where it can be resumed."""

    status, code = HTTPStatus.SERVICE_UNAVAILABLE, "stopping"
    retry_after: ClassVar[int | None] = 1

    def __init__(self, **context: object) -> None:
        super().__init__(
            "The portal restarted before all of it was here. Send it again, or go on where it stopped.",
            **context,
        )


class OpenBody:
    """A body under way (`app.web.body.Body`), which ends early once it is told to.

    ``resumable`` says that its sender goes on from what has come; otherwise all of it was in vain.
    """

    def __init__(self, body: Body, connection: socket.socket | None, *, resumable: bool) -> None:
        self.length = body.length
        self.resumable = resumable
        self._body = body
        self._connection = connection
        self._left = body.length
        self._ended = self._reads = False

    def readinto(self, buffer: memoryview, /) -> int:
        """See `app.web.body.Body`. Raises StoppingError if it was told to end, and more would come."""
        if self._ended and self._left != 0:
            raise StoppingError
        self._reads = True
        try:
            size = self._body.readinto(buffer)
            if self._left is not None:
                self._left -= size
            return size
        except TruncatedBodyError as error:
            if self._ended:
                raise StoppingError(**error.context) from error
            raise
        finally:
            self._reads = False

    def end(self) -> None:
        """Let the read under way be the last."""
        self._ended = True

    def wake(self) -> None:
        """End a read that still waits for its sender.

        Not done at once: the kernel would take no more from whoever is sending, and the reset that
        follows may reach them before our answer.
        """
        if self._ended and self._reads and self._connection is not None:
            with suppress(OSError):  # the sender has gone
                socket.socket.shutdown(self._connection, socket.SHUT_RD)


class OpenBodies:
    """Counts the open bodies of this process, ``most`` in all and ``most_of_one`` of one organisation."""

    def __init__(self, *, most: int, most_of_one: int) -> None:
        self.most = most
        self.most_of_one = most_of_one
        self.stopping = False
        self._last_call = False
        self._lock = threading.Lock()
        self._open: Counter[UUID | None] = Counter()
        self._bodies: set[OpenBody] = set()

    def enter(self, organisation_id: UUID | None) -> None:
        """Count one more. Raises BusyError."""
        with self._lock:
            if self._open.total() >= self.most:
                raise BusyError("Too many bundles are arriving at this moment. Try again in a few seconds.")
            if self._open[organisation_id] >= self.most_of_one:
                raise BusyError(
                    f"Your organisation is sending {self.most_of_one} files or parts at this moment, "
                    "which is the most. Try again in a few seconds."
                )
            self._open[organisation_id] += 1

    def leave(self, organisation_id: UUID | None) -> None:
        """Count one less."""
        with self._lock:
            self._open[organisation_id] -= 1
            if not self._open[organisation_id]:
                del self._open[organisation_id]

    def add(self, body: OpenBody) -> None:
        """See to it that the body ends with the process. Raises StoppingError: it is too late to begin."""
        with self._lock:
            if self._must_end(body):
                raise StoppingError
            self._bodies.add(body)

    def remove(self, body: OpenBody) -> None:
        """Leave the body, and its connection, alone from now on."""
        with self._lock:
            self._bodies.discard(body)

    def stop(self, seconds: float) -> None:
        """Begin to end them all: the process has ``seconds`` to live.

        Whoever can go on elsewhere does so now. What would have to come again as a whole has nearly
        all the time there is, and then its sender is told to come again.
        """
        self.stopping = True
        threading.Thread(target=self._see_out, args=(seconds,), name="stopping", daemon=True).start()

    def _see_out(self, seconds: float) -> None:
        began = time.monotonic()
        self._end()
        time.sleep(max(seconds - min(_FAREWELL_SECONDS, seconds / 2) - (time.monotonic() - began), 0))
        self._last_call = True
        self._end()

    def _end(self) -> None:
        """End what must, and wake what has not noticed a second later."""
        for act, pause in ((OpenBody.end, _NOTICE_SECONDS), (OpenBody.wake, 0.0)):
            with self._lock:  # as long as that is held, their connections serve no other request
                for body in filter(self._must_end, self._bodies):
                    act(body)
            time.sleep(pause)

    def _must_end(self, body: OpenBody) -> bool:
        return self._last_call or (self.stopping and body.resumable)


def install(app: Flask, settings: Settings) -> None:
    """Count from here on; what a request has entered it leaves with its end."""
    bodies = OpenBodies(
        most=settings.web_threads - settings.web_reserved_threads, most_of_one=settings.max_open_bodies
    )
    app.extensions["diagport.bodies"] = bodies

    @app.teardown_request
    def leave(_error: BaseException | None) -> None:
        if "body" in g:
            bodies.remove(g.pop("body"))
        if "body_of" in g:
            bodies.leave(g.pop("body_of"))


def request_body(*, resumable: bool = False) -> Body:
    """Begin to read the body of the current request, under all that `Settings` says of bodies.

    ``resumable``: see `OpenBody`.

    Raises:
        BusyError: there is no thread for it; nothing was read.
        StoppingError: the process is about to end; nothing was read.
        BadRequestError: ``Content-Length`` is no number.
    """
    bodies: OpenBodies = current_app.extensions["diagport.bodies"]
    if "body_of" not in g:
        whose = actor().organisation_id
        bodies.enter(whose)
        g.body_of = whose
    settings = system().settings
    pace = Pace(rate=settings.body_min_rate, window=settings.body_rate_window)
    g.body = OpenBody(
        open_body(request.environ, timeout=settings.body_timeout, pace=pace),
        request.environ.get("gunicorn.socket"),
        resumable=resumable,
    )
    bodies.add(g.body)
    return cast("Body", g.body)
