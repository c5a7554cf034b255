"""One chunk of a resumable upload, made durable before its offset is told."""

import hashlib

from flask import current_app, request
from flask_login import current_user

from app.domain.errors import (
    BadRequestError,
    OffsetConflictError,
    PortalError,
    StateConflictError,
    WrongContentError,
)
from app.domain.lifecycle import STORED, UploadState
from app.models import Upload
from app.queries import uploads
from app.services import sign_in
from app.services.intake import completion, records
from app.services.receiving import new_buffer, receive
from app.web.body import Body
from app.web.context import store_of, system, work
from app.web.transfer import door
from app.web.transfer.digests import Hashers, sha256_field, upload_checksum
from app.web.transfer.progress import PartialHashes


class ChecksumMismatchError(PortalError):
    """The chunk is not what its sender computed (tus: 460); the offset stays where it was."""

    status, code = 460, "checksum_mismatch"


def take(upload: Upload, body: Body, *, start: int, room: int) -> Upload:
    """Append ``body`` at byte ``start``, ``room`` bytes before the end; seal when it is the last.

    Returns:
        The upload, its ``received_bytes`` as committed.

    Raises:
        LockedError: another request is writing to this upload.
        ChecksumMismatchError, TruncatedBodyError, TooLargeError, StorageFullError: the row's
            offset says what was kept.
        WrongContentError, DigestMismatchError: refused for good, nothing was kept.
    """
    checks = _announced_checks()
    hashes = partial_hashes()
    with store_of(upload).append(upload.storage_key, start, confirm=lambda: _confirm(upload, start)) as sink:
        whole = hashes.take(upload.id, start) if start else hashlib.sha256()
        try:
            size = receive(
                body,
                sink,
                hasher=Hashers(*([whole] if whole else []), *(hasher for hasher, _ in checks)),
                buffer=new_buffer(),
                limit=room,
                inspect=door.refuse_wrong_content if start == 0 else None,
                # A chunk with a checksum counts as a whole or not at all.
                checkpoint=None if checks else lambda offset: _note(upload, offset),
                checkpoint_bytes=system().settings.checkpoint_bytes,
            )
        except BadRequestError:
            # Cut short: what came was hashed, written and noted, byte for byte.
            if whole and not checks:
                hashes.keep(upload.id, sink.offset, whole)
            raise
        except WrongContentError as error:
            door.give_up(upload, error)
            raise
        if any(hasher.hexdigest() != expected for hasher, expected in checks):
            raise ChecksumMismatchError("The chunk arrived with another checksum. Send it again.")
        if checks:
            _note(upload, start + size)
        end = start + size
        if end == upload.declared_bytes:
            # Still under the lock, so that nobody else reads the whole for the same purpose.
            digest = whole.hexdigest() if whole else _digest(upload)
        elif whole:
            hashes.keep(upload.id, end, whole)
    if end == upload.declared_bytes:
        return _seal(upload, digest)
    return upload


def finish(upload: Upload) -> Upload:
    """Seal an upload of which every byte is here, and the acknowledgement was lost.

    Raises:
        LockedError: another request is about to.
        WrongContentError, DigestMismatchError: refused for good, nothing was kept.
        StorageFullError, DependencyError: asking again may work.
    """
    size = upload.declared_bytes or 0
    try:
        with store_of(upload).append(upload.storage_key, size):
            digest = _digest(upload)
    except StateConflictError:  # the object was moved, the commit was lost: nobody writes any more
        digest = _digest(upload)
    return _seal(upload, digest)


def _digest(upload: Upload) -> str:
    return completion.digest_of(store_of(upload), upload.storage_key)


def _seal(upload: Upload, sha256: str) -> Upload:
    digest = sha256_field(request.headers, "Repr-Digest")
    digests = frozenset({digest} if digest else ())
    try:
        return door.finish(upload, size=upload.declared_bytes or 0, sha256=sha256, digests=digests)
    except StateConflictError:  # another request was faster; finishing twice gives one answer
        with work() as uow:
            now = uploads.get(uow.session, uow.actor, upload.id)
        if now.state not in STORED:
            raise
        return now
    except Exception as error:
        if door.refused_for_good(error):
            door.give_up(upload, error)
        raise


def partial_hashes() -> PartialHashes:
    """Return this process's hashes between chunks."""
    hashes: PartialHashes = current_app.extensions.setdefault("diagport.hashes", PartialHashes())
    return hashes


def _note(upload: Upload, offset: int) -> None:
    with work() as uow:
        records.checkpoint(uow, upload.id, offset)
        if current_user.session_id:  # who is sending is not idle, however long a chunk takes
            sign_in.touch_session(uow, current_user.session_id)
    upload.received_bytes = offset  # committed: what the sender is told needs no further query


def _confirm(upload: Upload, start: int) -> None:
    """Look again now that nobody else writes: the request before this one may have moved the offset."""
    with work() as uow:
        now = uploads.get(uow.session, uow.actor, upload.id)
    if now.state is not UploadState.RECEIVING or now.received_bytes != start:
        raise OffsetConflictError(f"The next chunk begins at byte {now.received_bytes:,}.")


def _announced_checks() -> list[tuple["hashlib._Hash", str]]:
    checks = [upload_checksum(request.headers)]
    if expected := sha256_field(request.headers, "Content-Digest"):
        checks.append((hashlib.sha256(), expected))
    return [check for check in checks if check]
