"""One chunk of a resumable upload, made durable before its offset is told."""

import hashlib

from flask import current_app, request

from app.domain.errors import BadRequestError, OffsetConflictError, PortalError, WrongContentError
from app.domain.lifecycle import UploadState
from app.models import Upload
from app.queries import uploads
from app.services.intake import records
from app.services.receiving import new_buffer, receive
from app.web.body import Body
from app.web.context import system, work
from app.web.transfer import door
from app.web.transfer.digests import Hashers, sha256_field, upload_checksum
from app.web.transfer.progress import PartialHashes


class ChecksumMismatchError(PortalError):
    """The chunk is not what its sender computed (tus: 460); the offset stays where it was."""

    status, code = 460, "checksum_mismatch"


def take(upload: Upload, body: Body, *, start: int, room: int) -> Upload:
    """Append ``body`` at byte ``start``, ``room`` bytes before the end; seal when it is the last.

    Raises:
        LockedError: another request is writing to this upload.
        ChecksumMismatchError, TruncatedBodyError, TooLargeError, StorageFullError: the row's
            offset says what was kept.
        WrongContentError, DigestMismatchError: refused for good, nothing was kept.
    """
    checks = _announced_checks()
    hashes = partial_hashes()
    with system().adapters.storage.append(
        upload.storage_key, start, confirm=lambda: _confirm(upload, start)
    ) as sink:
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
        if whole and end < (upload.declared_bytes or 0):
            hashes.keep(upload.id, end, whole)
    if end == upload.declared_bytes:
        return finish(upload, whole.hexdigest() if whole else None)
    with work() as uow:
        return uploads.get(uow.session, uow.actor, upload.id)


def finish(upload: Upload, sha256: str | None = None) -> Upload:
    """Seal an upload of which every byte is here.

    Raises:
        WrongContentError, DigestMismatchError: refused for good, nothing was kept.
        StorageFullError, DependencyError: asking again may work.
    """
    try:
        return door.finish(upload, size=upload.declared_bytes or 0, sha256=sha256)
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
