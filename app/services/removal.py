"""Deleting an upload: the row stays as a tombstone, the bytes go after the commit.

What names or describes the content goes with the state, in one transaction: of the row (`lifecycle`), the
scan, what was told of it, and what waits to be. docs/retention.md says what stays, and why.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete as delete_rows
from sqlalchemy import func, or_, select, text, update

from app.domain import naming, tombstones
from app.domain.errors import ForbiddenError, PortalError, StateConflictError
from app.domain.events import Event
from app.domain.lifecycle import STORED, UploadState
from app.domain.policy import Actor
from app.log import get_logger
from app.models import AuditEvent, Delivery, EventRecord, Scan, Upload
from app.models.upload import STILL_NAMED
from app.ports import Adapters, Storage
from app.queries import uploads
from app.services import facts, notices
from app.services.intake import records
from app.services.lifecycle import TOMBSTONE, locked, refuse_held, transition, written
from app.uow import UnitOfWork

log = get_logger(__name__)

_TOO_LATE = ", so it can no longer be withdrawn. Ask support to delete it."
#: By then a deletion is committed, or never will be, seconds.
_SETTLED: Final = 60

BY_SUPPORT: Final = f"{tombstones.BY_SUPPORT}."


def by_support(reason: str | None) -> str:
    """Return why support deletes something, as its sender reads it.

    Raises:
        InvalidInputError: the reason is too short or too long.
    """
    return f"{tombstones.BY_SUPPORT}: {naming.clean_reason(reason)}"


def delete(uow: UnitOfWork, upload_id: UUID, reason: str = BY_SUPPORT) -> Upload:
    """Make a tombstone of the upload; the caller then removes the bytes (`remove_bytes`).

    Should the caller die in between, the storage sweep removes them. Whoever sent it reads the
    ``reason``, so it names nobody of the staff; the audit does.

    Raises:
        NotFoundError: absent or not visible to the actor.
        StateConflictError: it is deleted already.
        HeldError: it is on legal hold.
    """
    upload = uploads.get(uow.session, uow.actor, upload_id)
    gone = transition(uow, upload.id, UploadState.DELETED, reason=reason)
    _forget(uow, [upload_id])
    uow.session.expire(gone, ["scan"])
    if gone.sealed_at is not None:  # of what never arrived nobody needs to hear
        notices.announce(uow, Event.UPLOAD_DELETED, gone, payload=facts.of_tombstone(gone))
    return written(uow, gone)


def _forget(uow: UnitOfWork, ids: Sequence[UUID]) -> None:
    """Delete what was found in these, and what was told of them; with the records their notices."""
    for forgotten in (Scan, Delivery, EventRecord):
        uow.session.execute(
            delete_rows(forgotten)
            .where(forgotten.upload_id.in_(ids))
            .execution_options(synchronize_session=False)
        )


def scrub(uow: UnitOfWork, limit: int) -> int:
    """Make tombstones of what an earlier release deletes, beside this one; return of how many."""
    named = select(Upload.id).where(text(STILL_NAMED)).order_by(Upload.id).limit(limit)
    ids = uow.session.scalars(named.with_for_update(skip_locked=True, of=Upload)).all()
    if not ids:
        return 0
    _forget(uow, ids)
    who = (
        select(AuditEvent.actor_label)
        .where(AuditEvent.upload_id == Upload.id, AuditEvent.action == func.concat("upload.", Upload.state))
        .order_by(AuditEvent.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    uow.session.execute(
        update(Upload)
        .where(Upload.id.in_(ids))
        .values(**TOMBSTONE | {"deleted_at": Upload.active_at, "deleted_by": who})
        .execution_options(synchronize_session=False)
    )
    return len(ids)


def stores_of_deleted(uow: UnitOfWork) -> Sequence[str]:
    """Return where what was deleted within a day lay."""
    lately = Upload.deleted_at > func.now() - timedelta(days=1)
    return uow.session.scalars(select(Upload.storage_name).where(lately).distinct()).all()


def deleted_since(
    uow: UnitOfWork, storage_name: str, after: datetime | None, limit: int, also: Collection[UUID] = ()
) -> Sequence[Upload]:
    """Return what was deleted for good after then, None: within a day; the oldest first.

    ``also`` are some from before, which come first.
    """
    now = func.now()
    begin = after if after is not None else now - timedelta(days=1)
    settled = Upload.deleted_at <= now - timedelta(seconds=_SETTLED)
    query = select(Upload).where(
        Upload.storage_name == storage_name, settled, or_(Upload.deleted_at > begin, Upload.id.in_(also))
    )
    return uow.session.scalars(query.order_by(Upload.deleted_at, Upload.id).limit(limit)).all()


def remove_bytes(storage: Storage, upload: Upload) -> bool:
    """Remove what is stored of a deleted upload, in every version, and what lies beside it.

    False when the store did not do so, or this process may not; then the scheduler does.
    """
    try:
        return storage.delete(upload.storage_key)
    except PortalError as error:
        log.warning("bytes_left", upload_id=upload.id, key=upload.storage_key, why=error.message)
        return False


def remove_from(adapters: Adapters, upload: Upload) -> bool:
    """Do the same wherever they lie; False, too, where that is not set up here."""
    try:
        return remove_bytes(adapters.store(upload.storage_name), upload)
    except PortalError as error:
        log.warning("bytes_left", upload_id=upload.id, storage=upload.storage_name, why=error.message)
        return False


def check_withdrawable(actor: Actor, upload: Upload) -> None:
    """Refuse, with the sentence that says why, what `withdraw` would refuse.

    Raises:
        ForbiddenError, StateConflictError: as there.
    """
    if actor.id != upload.uploader_id:
        raise ForbiddenError("Only whoever sent a bundle can withdraw it. Ask them, or support.")
    if upload.state is UploadState.RECEIVING:
        return
    if upload.state not in STORED:
        raise StateConflictError("There is nothing left of this upload to withdraw.", state=upload.state)
    if upload.first_downloaded_at is not None:
        raise StateConflictError(f"This bundle was downloaded already{_TOO_LATE}", state=upload.state)
    if upload.released_at is not None:
        raise StateConflictError(f"Support works with this bundle already{_TOO_LATE}", state=upload.state)


def withdraw(uow: UnitOfWork, upload_id: UUID) -> Upload:
    """Take back what the actor has sent, or has begun to; the caller then removes the bytes.

    A first download that comes at the same time has won when this raises, and lost when it does not:
    both ask under the row's lock.

    Raises:
        NotFoundError: absent, or not visible to the actor.
        ForbiddenError: somebody else sent it.
        StateConflictError: somebody has fetched it, it was released to staff, or it is gone.
        HeldError: it has to be kept.
    """
    upload = locked(uow, upload_id)
    check_withdrawable(uow.actor, upload)
    if upload.state in STORED:
        refuse_held(uow, upload, "withdrawn")
    if upload.state is UploadState.RECEIVING:
        return records.abandon(uow, upload_id, "Cancelled by the sender.")
    return delete(uow, upload_id, f"{tombstones.WITHDRAWN_BY}{uow.actor.label}.")
