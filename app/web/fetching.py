"""The only way out for stored bytes, whoever asks and by whichever address."""

from http import HTTPStatus
from uuid import UUID

from flask import Response, request

from app.domain.errors import NotFoundError, StateConflictError
from app.log import get_logger
from app.services import downloads
from app.web.context import system, work
from app.web.sending import send_object

log = get_logger(__name__)

_SENDS_BYTES = frozenset({HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT})


def send_upload(upload_id: UUID) -> Response:
    """Send the bytes of a clean upload, provided that they are the ones that were scanned.

    Raises:
        NotFoundError: absent, or not visible to whoever asks.
        StateConflictError: not clean, or changed since the scan.
    """
    with work() as uow:
        upload, scan = downloads.scanned_clean(uow, upload_id)
    try:
        file, version = system().adapters.storage.open(upload.storage_key)
    except NotFoundError as error:
        log.error("stored_object_missing", upload_id=upload_id, key=upload.storage_key)
        raise StateConflictError("The stored file is missing. Tell support.", state=upload.state) from error
    if not version == scan.storage_version == upload.storage_version:
        file.close()
        log.error("stored_object_changed", upload_id=upload_id, version=version, scanned=scan.storage_version)
        raise StateConflictError(
            "The stored file is no longer the one that was scanned. Tell support.", state=upload.state
        )
    response = send_object(file, upload.size or 0, etag=upload.sha256 or "", filename=upload.filename)
    if request.method == "GET" and response.status_code in _SENDS_BYTES:
        try:
            with work() as uow:
                downloads.note(uow, upload, request.headers.get("Range"))
        except BaseException:
            response.close()
            file.close()
            raise
    return response
