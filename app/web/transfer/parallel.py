"""Parts become one upload (tus 1.0.0, concatenation extension).

The whole is written and hashed in one pass over the parts. They stay where they are until it is
sealed, so a join that was cut short is simply done again.
"""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from typing import BinaryIO
from uuid import UUID

from app.domain.errors import DependencyError, NotFoundError, StateConflictError, WrongContentError
from app.domain.lifecycle import STORED
from app.models import Upload
from app.queries import transfers
from app.services.intake import joining, records, writing
from app.services.receiving import new_buffer, receive
from app.web.context import store_of, work
from app.web.transfer import chunk, door
from app.web.transfer.writers import when_free


def join(upload: Upload) -> Upload:
    """Make the whole out of its parts and seal it, unless that is done.

    Raises:
        LockedError: another request is doing so.
        GoneError: it was given up meanwhile.
        WrongContentError, DigestMismatchError: refused for good, nothing was kept.
        NotFoundError: bytes of a part are not here any more.
        StorageFullError, DependencyError: asking again may work.
    """
    try:
        joined = upload if upload.state in STORED else _join(upload)
    except Exception:
        tidy(upload.id)
        raise
    tidy(upload.id)
    return joined


def tidy(upload_id: UUID) -> None:
    """Remove the parts of what is whole, or was given up. What cannot be done now the sweeper does."""
    with suppress(DependencyError):
        with work() as uow:
            ended = joining.end_parts(uow, upload_id)
        for part in ended:
            store_of(part).delete(part.storage_key)


def _join(upload: Upload) -> Upload:
    try:
        digest = _copy(upload)
    except StateConflictError:  # it is all there, by a request that was faster, or died
        with work() as uow:
            now = transfers.own(uow.session, uow.actor, upload.id)
        return now if now.state in STORED else chunk.finish(now)
    return chunk.seal(upload, digest)


def _copy(upload: Upload) -> str:
    """Write the whole; return its SHA-256, hex. Raises StateConflictError when somebody has."""
    with work() as uow:
        parts = transfers.parts_of(uow.session, upload.id)
    hasher = hashlib.sha256()
    source = _Parts(parts)
    claim = _Claim(upload.id)
    try:
        with when_free(lambda: store_of(upload).append(upload.storage_key, 0, confirm=claim.make)) as sink:
            receive(
                source,
                sink,
                hasher=hasher,
                buffer=new_buffer(),
                inspect=door.refuse_wrong_content,
                # The last one is made before anybody else can write: who comes then leaves it alone.
                checkpoint=claim.note,
                checkpoint_bytes=upload.declared_bytes or 1,
            )
    except WrongContentError as error:
        door.give_up(upload, error)
        raise
    finally:
        source.close()
    return hasher.hexdigest()


class _Claim:
    """The right to write the whole. Some stores lock nobody out: there, whoever claims later has it."""

    def __init__(self, upload_id: UUID) -> None:
        self._upload_id = upload_id
        self._epoch = 0

    def make(self) -> None:
        """Look again now that nobody else writes, and before anything is cut off."""
        with work() as uow:
            now = transfers.own(uow.session, uow.actor, self._upload_id, lock=True)
            if now.state in STORED or now.received_bytes == now.declared_bytes:
                raise StateConflictError("This upload is complete already.")
            self._epoch = writing.claim(uow, self._upload_id, now.received_bytes).writer_epoch

    def note(self, offset: int) -> None:
        """See `records.checkpoint`."""
        with work() as uow:
            records.checkpoint(uow, self._upload_id, offset, epoch=self._epoch)


class _Parts:
    """The acknowledged bytes of all parts, one after another."""

    def __init__(self, parts: Sequence[Upload]) -> None:
        self._parts = list(parts)
        self._file: BinaryIO | None = None
        self._left = 0

    def readinto(self, buffer: memoryview, /) -> int:
        """See `app.services.receiving.Source`. Raises NotFoundError."""
        while not self._left:
            self.close()
            if not self._parts:
                return 0
            part = self._parts.pop(0)
            self._file = store_of(part).open_incoming(part.storage_key)
            self._left = part.received_bytes
        size: int = self._file.readinto(buffer[: self._left])  # type: ignore[union-attr]  # typeshed lacks it
        if not size:
            raise NotFoundError("Bytes of a part are no longer here: begin again.")
        self._left -= size
        return size

    def close(self) -> None:
        """Let go of the part that is open."""
        if self._file is not None:
            self._file.close()
            self._file = None
