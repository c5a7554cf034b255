"""Leave to fetch an upload's bytes, and the trace of it."""

from uuid import UUID

from app.domain.errors import StateConflictError
from app.domain.lifecycle import UploadState
from app.models import Scan, Upload
from app.queries import uploads
from app.services import audit
from app.uow import UnitOfWork


def scanned_clean(uow: UnitOfWork, upload_id: UUID) -> tuple[Upload, Scan]:
    """Return an upload that may be fetched, and the verdict that says so.

    Raises:
        NotFoundError: absent, or not visible to whoever asks.
        StateConflictError: not clean.
    """
    upload = uploads.get(uow.session, uow.actor, upload_id)
    if upload.state is not UploadState.CLEAN or upload.scan is None:
        raise StateConflictError(
            f"This file is {upload.state}. Only files that are ready can be downloaded.", state=upload.state
        )
    return upload, upload.scan


def note(uow: UnitOfWork, upload: Upload, asked_range: str | None) -> None:
    """Write down who fetches what, before the first byte leaves.

    Raises:
        StateConflictError: it stopped being clean meanwhile.
    """
    scanned_clean(uow, upload.id)
    audit.record(uow, "upload.downloaded", upload=upload, range=asked_range)
