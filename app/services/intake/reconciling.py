"""Direct uploads that were put together and never acknowledged: nobody was left to ask for it.

The process that asked the store to put them together died before the commit, or the sender went away before
they heard of it. The store says that the object is there; then the portal does what it would have done for
the sender, in their place.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import func, select

from app.domain.errors import (
    DigestMismatchError,
    ForbiddenError,
    NotFoundError,
    PortalError,
    StateConflictError,
    WrongContentError,
)
from app.domain.lifecycle import UploadState
from app.domain.policy import SYSTEM, Actor
from app.log import get_logger
from app.models import Upload
from app.ports import Adapters, Arrived
from app.queries.accounts import actor_of, actor_with
from app.queries.standing import still_good
from app.services.intake import direct, records
from app.uow import UnitOfWork

log = get_logger(__name__)

#: While something has happened to it so lately, whoever puts it together is likely to be alive, seconds.
PATIENCE: Final = 60

Work = Callable[[Actor], AbstractContextManager[UnitOfWork]]


class Outcome(StrEnum):
    COMPLETED = "completed"
    REFUSED = "refused"  # it is no bundle, or not what was sent
    NOTHING = "nothing"  # there is nothing to do about it, now or later
    TOO_EARLY = "too early"


def reconcile(work: Work, adapters: Adapters, arrived: Arrived) -> Outcome:
    """Complete the upload whose object was put together, if nobody else has. May be repeated.

    Raises:
        DependencyError: asking again may work.
    """
    with work(SYSTEM) as uow:
        found = _find(uow, arrived.key)
    if found is None:
        log.info("arrived_without_row", key=arrived.key)
        return Outcome.NOTHING
    upload, sender, lately = found
    if upload.state is not UploadState.RECEIVING:
        return Outcome.NOTHING
    if lately:
        return Outcome.TOO_EARLY
    try:
        done = direct.finish(lambda: _for(work, sender), adapters.store(upload.storage_name), upload)
    except (WrongContentError, DigestMismatchError) as error:
        return _refuse(work, adapters, upload, error)
    except (NotFoundError, StateConflictError, ForbiddenError) as error:
        # Of another size, without its parts, ended by its sender just now, or theirs no more.
        log.warning("arrived_not_completed", upload_id=upload.id, size=arrived.size, why=error.message)
        return Outcome.NOTHING
    log.info("upload_completed_for_sender", upload_id=done.id)
    return Outcome.COMPLETED


def _find(uow: UnitOfWork, key: str) -> tuple[Upload, Actor, bool] | None:
    """Return the direct upload of a key, who sent it, and whether something has just happened to it."""
    lately = Upload.active_at > func.now() - timedelta(seconds=PATIENCE)
    found = uow.session.execute(
        select(Upload, lately)
        .where(Upload.storage_key == key, Upload.door == "direct")
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        return None
    upload: Upload = found[0]
    if upload.ticket:
        return upload, actor_with(upload.ticket, None), found[1]
    assert upload.uploader is not None  # noqa: S101  # one_sender guarantees it
    # With what they asked for it, if they came so far: who was refused for a token that was revoked while
    # the store put it together, is not told an hour later that it was handed in.
    return upload, actor_of(upload.uploader, None, came_by=direct.came_by(upload)), found[1]


@contextmanager
def _for(work: Work, sender: Actor) -> Iterator[UnitOfWork]:
    """Work as the portal, for whoever sent it. Raises ForbiddenError: they may come no more."""
    with work(replace(SYSTEM, on_behalf_of=sender.label)) as uow:
        if not uow.session.scalar(select(still_good(sender))):
            raise ForbiddenError("Who sent it may come no more.")
        yield uow


def _refuse(work: Work, adapters: Adapters, upload: Upload, error: PortalError) -> Outcome:
    """Say so in the row, and free the bytes, as whoever asked for it would have."""
    try:
        with work(replace(SYSTEM, on_behalf_of=upload.sender)) as uow:
            records.reject(uow, upload.id, error.message)
    except StateConflictError:
        return Outcome.NOTHING
    adapters.store(upload.storage_name).delete(upload.storage_key)
    return Outcome.REFUSED
