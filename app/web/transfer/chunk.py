"""One chunk of a resumable upload, made durable before its offset is told."""

import hashlib

from flask import current_app, request
from flask_login import current_user

from app.domain.errors import (
    BadRequestError,
    PortalError,
    StateConflictError,
    TooLargeError,
    WrongContentError,
)
from app.domain.lifecycle import STORED
from app.models import Upload
from app.queries import uploads
from app.services import sign_in
from app.services.intake import completion, records, writing
from app.services.receiving import new_buffer, receive
from app.web.context import store_of, system, work
from app.web.open_bodies import request_body
from app.web.transfer import door
from app.web.transfer.digests import Digest, Hashers, sha256_field, upload_checksum
from app.web.transfer.progress import PartialHashes
from app.web.transfer.writers import Writer, when_free, writers


class ChecksumMismatchError(PortalError):
    """The chunk is not what its sender computed (tus: 460); the offset stays where it was."""

    status, code = 460, "checksum_mismatch"


def take(upload: Upload, *, start: int, length: int | None = None) -> Upload:
    """Append the request's body at byte ``start``; seal the upload when it is the last.

    Whoever wrote to it until now is overtaken. ``length`` bytes is what the whole will have, where
    that is said only now.

    Returns:
        The upload, its ``received_bytes`` as committed.

    Raises:
        OffsetConflictError, GoneError, BadRequestError, QuotaError: see `writing.claim`.
        OvertakenError: another request has overtaken this one; its offset counts.
        LockedError: the one before would not make way.
        ChecksumMismatchError, TruncatedBodyError, StoppingError, TooLargeError, StorageFullError: the
            row's offset says what was kept.
        WrongContentError, DigestMismatchError: refused for good, nothing was kept.
    """
    checks = _announced_checks()
    most = length or upload.declared_bytes or system().settings.max_upload_bytes
    room = max(most - start, 0)
    if request.content_length is not None and request.content_length > room:
        raise TooLargeError(f"{room:,} bytes are still to come; this chunk has more.")
    # Before the claim: who is told to come again later overtakes nobody. Of a chunk with a checksum
    # nothing counts before all of it is here.
    body = request_body(resumable=not checks)
    with work() as uow:
        upload = writing.claim(uow, upload.id, start, length)
    with writers().writing(upload.id, upload.writer_epoch, body) as writer:
        digest = _append(upload, writer, start=start, room=room, checks=checks)
    if digest is None:
        return upload
    return seal(upload, digest)


def _append(
    upload: Upload, body: Writer, *, start: int, room: int, checks: list[tuple[Digest, str]]
) -> str | None:
    """Store the body; return the SHA-256 of the whole, hex, once it is complete."""
    hashes, epoch = partial_hashes(), upload.writer_epoch

    def confirm() -> None:
        with work() as uow:
            writing.check(uow, upload.id, start, epoch)

    with when_free(lambda: store_of(upload).append(upload.storage_key, start, confirm=confirm), body) as sink:
        # A part is no file: it is judged, and hashed, as a piece of the whole.
        whole = None if upload.partial else hashes.take(upload.id, start) if start else hashlib.sha256()
        try:
            size = receive(
                body,
                sink,
                hasher=Hashers(*([whole] if whole else []), *(hasher for hasher, _ in checks)),
                buffer=new_buffer(),
                limit=room,
                inspect=None if start or upload.partial else door.refuse_wrong_content,
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
        if end == upload.declared_bytes and not upload.partial:
            # Still under the lock, so that nobody else reads the whole for the same purpose.
            return whole.hexdigest() if whole else digest_of(upload)
        if whole:
            hashes.keep(upload.id, end, whole)
        return None


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
            digest = digest_of(upload)
    except StateConflictError:  # the object was moved, the commit was lost: nobody writes any more
        digest = digest_of(upload)
    return seal(upload, digest)


def digest_of(upload: Upload) -> str:
    """Return the SHA-256 of what is stored, hex."""
    return completion.digest_of(store_of(upload), upload.storage_key)


def seal(upload: Upload, sha256: str) -> Upload:
    """Compare the whole with what was announced, and acknowledge it; doing so twice is doing it once.

    Raises:
        WrongContentError, DigestMismatchError: refused for good, nothing was kept.
        StorageFullError, DependencyError: asking again may work.
    """
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
        at = records.checkpoint(uow, upload.id, offset, epoch=upload.writer_epoch)
        if current_user.session_id:  # who is sending is not idle, however long a chunk takes
            sign_in.touch_session(uow, current_user.session_id, request.remote_addr)
    # committed: what the sender is told needs no further query
    upload.received_bytes, upload.active_at = offset, at


def _announced_checks() -> list[tuple[Digest, str]]:
    checks = [upload_checksum(request.headers)]
    if expected := sha256_field(request.headers, "Content-Digest"):
        checks.append((hashlib.sha256(), expected))
    return [check for check in checks if check]
