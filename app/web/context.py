"""What a request works with: the system, the actor, a unit of work, its own id."""

import re
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import cast
from uuid import uuid4

from flask import Flask, current_app, g, request
from flask_login import current_user

from app import log as logs
from app.domain.policy import SYSTEM, Actor
from app.models import Upload
from app.ports import PresignsUploads, Storage
from app.system import System
from app.uow import UnitOfWork

# Who reads logs must not get the leave that a code gives, however carelessly it was typed.
_SECRET = re.compile(r"^/+(t|activate|reset|unsubscribe)/+[^/]+", re.IGNORECASE)


def install(app: Flask, system: System) -> None:
    """Make ``system`` reachable from requests and give every request an id."""
    app.extensions["diagport"] = system
    app.before_request(_begin)
    app.teardown_request(lambda _error: logs.unbind_all())


def _begin() -> None:
    g.request_id = uuid4().hex
    logs.bind(request_id=g.request_id, method=request.method, path=_SECRET.sub(_without, request.path))


def _without(found: re.Match[str]) -> str:
    return f"/{found[1].lower()}/-"


def secret_in_address() -> bool:
    """Whether the address that was asked for gives leave to whoever knows it, as a ticket's does."""
    return _SECRET.match(request.path) is not None


def ticket_in_address() -> bool:
    """Whether somebody asks with a ticket in the address: whoever else they are, here they are a guest."""
    found = _SECRET.match(request.path)
    return found is not None and found[1].lower() == "t"


def system() -> System:
    """Return the process's settings, adapters and database."""
    return cast("System", current_app.extensions["diagport"])


def store_of(upload: Upload) -> Storage:
    """Return the store in which the bytes of an upload lie. Raises DependencyError."""
    return system().adapters.store(upload.storage_name)


def sending_way() -> str:
    """Return the way by which a page shall send bundles: of those in static/js/ways.js."""
    return "direct" if isinstance(system().adapters.storage, PresignsUploads) else "tus"


def actor() -> Actor:
    """Return who asks. Only for views that declare a permission: anonymous is nobody."""
    return cast("Actor", current_user.actor)


def work() -> AbstractContextManager[UnitOfWork]:
    """Open a unit of work as whoever asks."""
    return system().work(actor(), g.request_id)


def system_work() -> AbstractContextManager[UnitOfWork]:
    """Open a unit of work as the system, for what happens before anybody is known."""
    return system().work(replace(SYSTEM, address=request.remote_addr), g.request_id)
