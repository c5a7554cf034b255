"""The only way out for stored bytes, whoever asks and by whichever address."""

import math
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import BinaryIO
from uuid import UUID

from flask import Response, g, request

from app.bundle.salvage import salvage
from app.domain.errors import DependencyError, NotFoundError, StateConflictError
from app.domain.lifecycle import UploadState
from app.models import Upload
from app.ports import PresignsDownloads
from app.services import downloads, integrity
from app.services.downloads import Leave
from app.services.scanning.reading import budget_of
from app.uow import UnitOfWork
from app.web.context import actor, store_of, system, work
from app.web.guard import Guard
from app.web.sending import disposition, send_elsewhere, send_object, send_stream

MIMETYPE = "application/gzip"

_SENDS_BYTES = frozenset({HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT, HTTPStatus.SEE_OTHER})
_ADDRESS_LASTS = 60  # seconds, to begin a download straight from the store
_TRIES = 3  # to open what the row names: it may be moved between the two


def send_upload(upload_id: UUID) -> Response:
    """Send the bytes of a clean or released upload, provided that they are the ones that were scanned.

    Where the store can be asked for that very version by anybody who has an address signed for it, a
    browser is sent there for what is clean. Whoever sends credentials gets the bytes: a program may not
    follow, and take the empty answer for the file.

    Raises:
        NotFoundError: absent, or not visible to whoever asks.
        StateConflictError: not clean, not released to whoever asks, or changed since the scan.
        DependencyError: it is just being moved.
    """

    def answer(upload: Upload, file: BinaryIO, guard: Guard, leave: Leave) -> Response:
        by_session = request.authorization is None and not leave.released
        if request.method == "GET" and by_session and (address := _address(upload, leave)):
            file.close()
            return send_elsewhere(address)
        # No scan has come as far as the SHA-256 of what was released without one.
        etag = upload.sha256 or str(upload.id)
        return send_object(
            file, upload.size or 0, etag=etag, filename=upload.filename, watch=guard, mimetype=MIMETYPE
        )

    return _send(upload_id, downloads.leave_for_all, answer)


def send_salvage(upload_id: UUID) -> Response:
    """Send an infected bundle as a tar without what is infected, to staff only.

    Raises:
        NotFoundError: absent, or not visible to whoever asks.
        ForbiddenError: whoever asks is not staff.
        StateConflictError: not infected, not all else proven clean, or changed since the scan.
        DependencyError: it is just being moved.
    """

    def answer(upload: Upload, file: BinaryIO, guard: Guard, leave: Leave) -> Response:
        # It went through the scan within the budget; now the client decides how long it takes.
        budget = replace(budget_of(system().settings), seconds=math.inf)
        chunks = salvage(file, leave.without or {}, budget=budget)
        filename = f"{_stem(upload.filename)}-without-infected.tar"
        return send_stream(file, chunks, filename=filename, watch=guard, mimetype="application/x-tar")

    return _send(upload_id, downloads.leave_for_clean_members, answer)


def _send(
    upload_id: UUID,
    ask: Callable[[UnitOfWork, UUID], tuple[Upload, Leave]],
    answer: Callable[[Upload, BinaryIO, Guard, Leave], Response],
) -> Response:
    for _ in range(_TRIES):
        with work() as uow:
            upload, leave = ask(uow, upload_id)
        if file := _open(upload, leave):
            break
    else:
        raise DependencyError("This file is just being moved. Try again in a moment.", upload_id=upload_id)
    try:
        guard = Guard(system(), actor(), g.request_id, leave, store_of(upload), upload.storage_key)
        response = answer(upload, file, guard, leave)
        if request.method == "GET" and response.status_code in _SENDS_BYTES:
            with work() as uow:
                downloads.note(uow, upload, leave, request.headers.get("Range"))
    except BaseException:
        file.close()
        raise
    return response


def _open(upload: Upload, leave: Leave) -> BinaryIO | None:
    """Return the stored object that there is leave for; None if its row is about another by now.

    Any other object is reported, and never opened again.
    """
    storage = store_of(upload)
    found = None
    try:
        file, found = storage.open(upload.storage_key)
        if found == leave.version:
            return file
        file.close()
    except NotFoundError:
        pass
    if not integrity.report(system().work, storage, upload.id, leave.version, found):
        return None
    raise StateConflictError(
        downloads.CHANGED if found else "The stored file is missing. Tell support.",
        state=UploadState.INTEGRITY_FAILED,
    )


def _address(upload: Upload, leave: Leave) -> str | None:
    storage = store_of(upload)
    if not isinstance(storage, PresignsDownloads):
        return None
    return storage.sign_download(
        upload.storage_key,
        leave.version,
        disposition=disposition(upload.filename),
        mimetype=MIMETYPE,
        seconds=_ADDRESS_LASTS,
    )


def _stem(filename: str) -> str:
    lower = filename.lower()
    ending = next((end for end in (".tar.gz", ".tgz") if lower.endswith(end)), "")
    return filename[: len(filename) - len(ending)]
