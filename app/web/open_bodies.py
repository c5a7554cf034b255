"""How many request bodies one process receives at a time, because each of them holds a thread.

Some threads are never lent to bodies, so that pages, and refusals, always find one. Of the others
one organisation gets a share. Who comes too many is told so before the first byte, and when to
come again.
"""

import threading
from collections import Counter
from typing import ClassVar
from uuid import UUID

from flask import Flask, current_app, g, request

from app.domain.errors import PortalError
from app.settings import Settings
from app.web.body import Body, open_body
from app.web.context import actor, system
from app.web.pace import Pace


class BusyError(PortalError):
    """Too many bodies are arriving; the same request will do in a moment."""

    status, code = 503, "busy"
    retry_after: ClassVar[int | None] = 5


class OpenBodies:
    """Counts the open bodies of this process, ``most`` in all and ``most_of_one`` of one organisation."""

    def __init__(self, *, most: int, most_of_one: int) -> None:
        self.most = most
        self.most_of_one = most_of_one
        self._lock = threading.Lock()
        self._open: Counter[UUID | None] = Counter()

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


def install(app: Flask, settings: Settings) -> None:
    """Count from here on; what a request has entered it leaves with its end."""
    bodies = OpenBodies(
        most=settings.web_threads - settings.web_reserved_threads, most_of_one=settings.max_open_bodies
    )
    app.extensions["diagport.bodies"] = bodies

    @app.teardown_request
    def leave(_error: BaseException | None) -> None:
        if "body_of" in g:
            bodies.leave(g.pop("body_of"))


def request_body() -> Body:
    """Begin to read the body of the current request, under all that `Settings` says of bodies.

    Raises:
        BusyError: there is no thread for it; nothing was read.
        BadRequestError: ``Content-Length`` is no number.
    """
    if "body_of" not in g:
        whose = actor().organisation_id
        bodies: OpenBodies = current_app.extensions["diagport.bodies"]
        bodies.enter(whose)
        g.body_of = whose
    settings = system().settings
    pace = Pace(rate=settings.body_min_rate, window=settings.body_rate_window)
    return open_body(request.environ, timeout=settings.body_timeout, pace=pace)
