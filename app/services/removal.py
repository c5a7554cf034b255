"""Deleting an upload: the row stays as a tombstone, the bytes go after the commit."""

from uuid import UUID

from app.domain.lifecycle import UploadState
from app.models import Upload
from app.queries import uploads
from app.services.lifecycle import transition
from app.uow import UnitOfWork


def delete(uow: UnitOfWork, upload_id: UUID, reason: str) -> Upload:
    """Mark the upload deleted; the caller then removes the bytes under its storage key.

    Should the caller die in between, the storage sweep removes them.

    Raises:
        NotFoundError: absent or not visible to the actor.
        StateConflictError: it is deleted already.
    """
    upload = uploads.get(uow.session, uow.actor, upload_id)
    return transition(
        uow, upload.id, UploadState.DELETED, reason=reason, lease_until=None, rescan_asked_at=None
    )
