"""What all doors do: receive outside any transaction, then seal in a short one.

Whatever goes wrong on the way, the row says so and the bytes are freed; what cannot even be
written down (the database is away) is found by the sweeper.
"""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

from app.bundle.content import HEAD, problem_of
from app.domain.errors import (
    BadRequestError,
    DependencyError,
    DigestMismatchError,
    InvalidInputError,
    PortalError,
    StateConflictError,
    TooLargeError,
    WrongContentError,
)
from app.domain.lifecycle import STORED
from app.models import Upload
from app.services import quota, standing
from app.services.intake import completion, records
from app.services.intake.records import Announcement
from app.services.receiving import Source, new_buffer, receive
from app.web.context import store_of, system, work
from app.web.transfer.turns import work_in_turn

#: Said of what can never become right, however often the same bytes are sent.
_REFUSED = (WrongContentError, DigestMismatchError, TooLargeError, InvalidInputError)

#: For a body that cannot be resumed, durable offsets are of no use: only the clock makes marks.
_BY_TIME_ONLY = 1 << 62


def refuse_wrong_content(head: memoryview) -> None:
    """Raise WrongContentError as soon as the first bytes show that this is no .tgz."""
    if problem := problem_of(bytes(head[:HEAD]), more=True):
        raise WrongContentError(problem)


def receive_whole(
    announced: Announcement,
    source: Source,
    *,
    digests: Callable[[], frozenset[str]] = frozenset,
    afterwards: Callable[[Upload], None] | None = None,
) -> Upload:
    """Take one body in one request, from its announcement to the acknowledgement.

    Args:
        announced: what is known before the first byte.
        source: the bytes.
        digests: asked when all has arrived for the SHA-256s (hex) that it must have.
        afterwards: called when all has arrived, to read what the sender says after the file.

    Raises:
        PortalError: it was refused or given up; row and storage are tidy.
    """
    adapters, settings = system().adapters, system().settings
    with work_in_turn() as uow:
        upload = records.start(uow, announced, adapters.storage.name)
    if announced.size is None:
        source = _Reserving(source, upload.id, announced.at_most)
    hasher = hashlib.sha256()

    def note(offset: int) -> None:
        # For people and the sweeper alone: a database that is away for a while must not cost
        # an upload that may yet be sealed.
        with suppress(DependencyError), work() as uow:
            records.checkpoint(uow, upload.id, offset)

    try:
        with store_of(upload).append(upload.storage_key, 0) as sink:
            size = receive(
                source,
                sink,
                hasher=hasher,
                buffer=new_buffer(),
                limit=settings.max_upload_bytes,
                inspect=refuse_wrong_content,
                checkpoint=note,
                checkpoint_bytes=_BY_TIME_ONLY,
            )
        if afterwards:
            afterwards(upload)
        return finish(upload, size=size, sha256=hasher.hexdigest(), digests=digests())
    except Exception as error:
        give_up(upload, error)
        raise


class _Reserving:
    """A source of unknown length: there is room for every byte before it is handed on."""

    def __init__(self, source: Source, upload_id: UUID, held: int) -> None:
        self._source = source
        self._upload_id = upload_id
        self._held = held
        self._came = 0

    def readinto(self, buffer: memoryview, /) -> int:
        """See `Source`. Raises QuotaError."""
        size = self._source.readinto(buffer)
        self._came += size
        if self._came > self._held:
            with work_in_turn() as uow:
                self._held = quota.make_room(uow, self._upload_id, self._came)
        return size


def finish(upload: Upload, *, size: int, sha256: str, digests: frozenset[str] = frozenset()) -> Upload:
    """Judge and seal what has been received. When this returns, it may be acknowledged.

    Raises:
        TruncatedBodyError, DigestMismatchError, WrongContentError, StorageFullError, DependencyError.
        StateConflictError: it ended in another way meanwhile.
        NotSignedInError, GoneError: who sent it may come no more; nothing is acknowledged.
    """
    with work() as uow:
        declared = records.declared_sha256(uow, upload.id)
        standing.check(uow)  # before anything is moved: what cannot be sealed stays as it is
    sealed = completion.complete(
        store_of(upload),
        upload.storage_key,
        size=size,
        declared_size=upload.declared_bytes,
        sha256=sha256,
        declared_sha256=digests | declared,
    )
    # As many bytes as were announced change nothing of what the organisation holds: no turn to wait for.
    with work() if upload.held_bytes == size else work_in_turn() as uow:
        return records.seal(uow, upload.id, size=sealed.size, sha256=sealed.sha256, version=sealed.version)


def give_up(upload: Upload, error: Exception) -> None:
    """Write down why the upload came to nothing, and free its bytes; raising ``error`` is the caller's.

    Raises:
        DependencyError: ``error`` was that the upload has ended, and really its row is lost.
    """
    reason = (
        error.message if isinstance(error, PortalError) else "Something broke on our side. Send it again."
    )
    end = records.reject if isinstance(error, _REFUSED) else records.abandon
    lost = False
    with suppress(DependencyError):  # away: the sweeper ends it
        try:
            with work_in_turn() as uow:
                end(uow, upload.id, reason)
        except StateConflictError:  # it has ended already, or a crash of the database forgot it
            with work() as uow:
                state = records.state_of(uow, upload.id)
            if state in STORED:
                return
            lost = state is None
        store_of(upload).delete(upload.storage_key)
    if lost and isinstance(error, StateConflictError):
        raise DependencyError("The database has lost this upload. Send the file again.") from error


def refused_for_good(error: Exception) -> bool:
    """Whether sending the same bytes again is useless, so that nothing is kept to resume."""
    return isinstance(error, _REFUSED) and not isinstance(error, BadRequestError)
