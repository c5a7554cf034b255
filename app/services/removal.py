"""Deleting an upload: the row stays as a tombstone, the bytes go after the commit."""

from uuid import UUID

from app.domain.errors import ForbiddenError, StateConflictError
from app.domain.lifecycle import STORED, UploadState
from app.domain.policy import Actor
from app.models import Upload
from app.queries import uploads
from app.services.intake import records
from app.services.lifecycle import locked, transition
from app.uow import UnitOfWork

_TOO_LATE = ", so it can no longer be withdrawn. Ask support to delete it."


def delete(uow: UnitOfWork, upload_id: UUID, reason: str = "Deleted by support.") -> Upload:
    """Mark the upload deleted; the caller then removes the bytes under its storage key.

    Should the caller die in between, the storage sweep removes them. Whoever sent it reads the
    ``reason``, so it names nobody of the staff; the audit does.

    Raises:
        NotFoundError: absent or not visible to the actor.
        StateConflictError: it is deleted already.
    """
    upload = uploads.get(uow.session, uow.actor, upload_id)
    return transition(
        uow, upload.id, UploadState.DELETED, reason=reason, lease_until=None, rescan_asked_at=None
    )


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
    """
    upload = locked(uow, upload_id)
    check_withdrawable(uow.actor, upload)
    if upload.state is UploadState.RECEIVING:
        return records.abandon(uow, upload_id, "Cancelled by the sender.")
    return delete(uow, upload_id, f"Withdrawn by {uow.actor.label}.")
