"""The only way out for stored bytes, whoever asks and by whichever address."""

from uuid import UUID

from flask import Response, request

from app.domain.errors import StateConflictError
from app.log import get_logger
from app.services import downloads
from app.web.context import system, work
from app.web.sending import send_object

log = get_logger(__name__)


def send_upload(upload_id: UUID) -> Response:
    """Send the bytes of a clean upload, provided that they are the ones that were scanned.

    Raises:
        NotFoundError: absent, or not visible to whoever asks.
        StateConflictError: not clean, or changed since the scan.
    """
    with work() as uow:
        upload, scan = downloads.scanned_clean(uow, upload_id)
    file, version = system().adapters.storage.open(upload.storage_key)
    try:
        if not version == scan.storage_version == upload.storage_version:
            log.error(
                "stored_object_changed", upload_id=upload_id, version=version, scanned=scan.storage_version
            )
            raise StateConflictError("The stored file is no longer the one that was scanned. Tell support.")
        if request.method == "GET":
            with work() as uow:
                downloads.note(uow, upload, request.headers.get("Range"))
    except BaseException:
        file.close()
        raise
    return send_object(file, upload.size or 0, etag=upload.sha256 or "", filename=upload.filename)
