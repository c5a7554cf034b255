"""What staff do with what is held back: release, take that back, delete."""

from uuid import UUID

from sqlalchemy import func

from app.domain import naming
from app.domain.errors import StateConflictError
from app.domain.events import Event
from app.domain.lifecycle import QUARANTINED, UploadState
from app.models import Upload
from app.services import audit, notices, removal
from app.services.lifecycle import locked, written
from app.uow import UnitOfWork

_NEVER = {
    UploadState.INFECTED: "A virus was found in this bundle. It can never be released.",
    UploadState.INTEGRITY_FAILED: "The stored bytes are not what was received. Nobody can release them.",
}


def may_be_released(upload: Upload) -> bool:
    """Whether `release` would do so."""
    return upload.state is UploadState.UNSCANNABLE and upload.released_at is None


def check_releasable(upload: Upload) -> None:
    """Raise StateConflictError, with the sentence that says why, unless `release` would do so."""
    if may_be_released(upload):
        return
    if upload.released_at is not None:
        raise StateConflictError("This bundle was released already.", state=upload.state)
    sentence = _NEVER.get(upload.state, "Only a bundle that needs review can be released.")
    raise StateConflictError(sentence, state=upload.state)


def release(uow: UnitOfWork, upload_id: UUID, reason: str | None) -> Upload:
    """Let staff fetch a bundle that could not be checked, for ``reason``, which only staff read.

    Raises:
        NotFoundError: absent, or not visible to the actor.
        StateConflictError: not UNSCANNABLE, or released already.
        InvalidInputError: the reason is too short or too long.
    """
    upload = locked(uow, upload_id)
    check_releasable(upload)
    why = naming.clean_reason(reason)
    upload.released_at = func.now()
    upload.released_by = uow.actor.label
    upload.release_reason = why
    upload.tagged = None
    audit.record(uow, "upload.released", upload=upload, why=why)
    released = written(uow, upload)
    notices.announce(uow, Event.UPLOAD_RELEASED, released, occasion=str(released.released_at))
    return released


def withdraw(uow: UnitOfWork, upload_id: UUID) -> Upload:
    """Take a release back.

    Raises:
        NotFoundError: absent, or not visible to the actor.
        StateConflictError: not released.
    """
    upload = locked(uow, upload_id)
    if upload.released_at is None:
        raise StateConflictError("This bundle is not released.", state=upload.state)
    upload.released_at = upload.released_by = upload.release_reason = upload.tagged = None
    audit.record(uow, "upload.release_withdrawn", upload=upload)
    return written(uow, upload)


def check_held(upload: Upload) -> None:
    """Raise StateConflictError unless the bundle is in quarantine."""
    if upload.state not in QUARANTINED:
        raise StateConflictError("This bundle is not in quarantine.", state=upload.state)


def delete(uow: UnitOfWork, upload_id: UUID, reason: str | None) -> Upload:
    """Mark a held bundle deleted for ``reason``, which its sender reads; see `removal.delete`.

    Raises:
        NotFoundError: absent, or not visible to the actor.
        StateConflictError: not in quarantine.
        InvalidInputError: the reason is too short or too long.
    """
    check_held(locked(uow, upload_id))
    return removal.delete(uow, upload_id, removal.by_support(reason))
