"""The row of an upload while it is being received."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import func, select, update

from app.domain import naming
from app.domain.errors import (
    ForbiddenError,
    InvalidInputError,
    StateConflictError,
    TooLargeError,
    WrongContentError,
)
from app.domain.jobs import first_scan
from app.domain.lifecycle import STORED, UploadState
from app.models import Upload
from app.queries import uploads
from app.services import audit
from app.services.lifecycle import transition
from app.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a sender says before the first byte. Everything is as typed; `start` cleans it."""

    door: str  # form, tus or put
    filename: str | None
    size: int | None = None  # bytes, None where the sender cannot know
    case: str | None = None
    note: str | None = None
    sha256: str | None = None  # hex
    idempotency_key: str | None = None


def check_size(size: int | None, limit: int) -> None:
    """Judge an announced length in bytes before anything is read.

    Raises:
        TooLargeError: over ``limit``.
        WrongContentError: nothing will come.
    """
    if size is not None and size > limit:
        raise TooLargeError(
            f"The file has {size:,} bytes; this portal takes up to {limit:,}. "
            "Leave out what is not needed, or split the bundle into several."
        )
    if size == 0:
        raise WrongContentError("The file is empty. Create the bundle again and send that.")


def start(uow: UnitOfWork, announced: Announcement, storage_name: str) -> Upload:
    """Make the row in RECEIVING.

    Raises:
        TooLargeError, WrongContentError, InvalidInputError: as announced, it will not do.
        ForbiddenError: the actor belongs to no organisation.
        StateConflictError: the idempotency key has brought its upload meanwhile.
    """
    organisation_id = uow.actor.organisation_id
    if uow.actor.id is None or organisation_id is None:
        raise ForbiddenError("Only members of an organisation send bundles.")
    check_size(announced.size, uow.settings.max_upload_bytes)
    upload_id = uuid4()
    upload = Upload(
        id=upload_id,
        organisation_id=organisation_id,
        uploader_id=uow.actor.id,
        door=announced.door,
        idempotency_key=_claim_key(uow, announced.idempotency_key),
        filename=naming.clean_filename(announced.filename),
        case_reference=naming.clean_case(announced.case),
        note=naming.clean_note(announced.note),
        declared_bytes=announced.size,
        declared_sha256=naming.clean_sha256(announced.sha256),
        storage_name=storage_name,
        storage_key=naming.storage_key(organisation_id, upload_id),
    )
    uow.session.add(upload)
    uow.session.flush()
    audit.record(uow, "upload.started", upload=upload, door=announced.door)
    return upload


def _claim_key(uow: UnitOfWork, key: str | None) -> str | None:
    """Take over a key whose upload came to nothing, or was interrupted.

    Whoever sends again under a key has given up the first try, even where this side still
    waits for its bytes. The first try then finds its row gone when it seals: one upload.
    """
    if key is None:
        return None
    if not 1 <= len(key) <= 255 or "\x00" in key:
        raise InvalidInputError("Idempotency-Key has 1 to 255 characters.")
    # Two requests with one new key would both find nothing: the lock lets the second wait and see.
    uow.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{uow.actor.id}:{key}", 0))))
    previous = uploads.by_idempotency_key(uow.session, uow.actor, key)
    if previous is None:
        return key
    if previous.state in STORED:
        raise StateConflictError("This Idempotency-Key has just brought its upload. Ask again.")
    if previous.state is UploadState.RECEIVING:
        previous = abandon(uow, previous.id, "Sent again before it was complete.")
    previous.idempotency_key = None
    uow.session.flush()
    return key


def describe(
    uow: UnitOfWork, upload_id: UUID, *, case: str | None, note: str | None, sha256: str | None
) -> None:
    """Add what the sender said after the file began. None leaves what is there.

    Raises:
        InvalidInputError: a value will not do.
    """
    given = {
        "case_reference": naming.clean_case(case),
        "note": naming.clean_note(note),
        "declared_sha256": naming.clean_sha256(sha256),
    }
    values = {column: value for column, value in given.items() if value is not None}
    if values:
        _while_receiving(uow, upload_id, values)


def declared_sha256(uow: UnitOfWork, upload_id: UUID) -> frozenset[str]:
    """Return the SHA-256 (hex) that the sender announced, if any."""
    declared = uow.session.scalar(select(Upload.declared_sha256).where(Upload.id == upload_id))
    return frozenset({declared} if declared else ())


def checkpoint(uow: UnitOfWork, upload_id: UUID, offset: int) -> None:
    """Note that the first ``offset`` bytes are durable.

    Raises:
        StateConflictError: the upload is no longer being received.
    """
    _while_receiving(uow, upload_id, {"received_bytes": offset})


def _while_receiving(uow: UnitOfWork, upload_id: UUID, values: Mapping[str, object]) -> None:
    moved = uow.session.execute(
        update(Upload)
        .where(Upload.id == upload_id, Upload.state == UploadState.RECEIVING)
        .values(active_at=func.now(), **values)
        .returning(Upload.id)
    ).one_or_none()
    if moved is None:
        raise StateConflictError("This upload has ended.", upload_id=upload_id)


def seal(uow: UnitOfWork, upload_id: UUID, *, size: int, sha256: str, version: str) -> Upload:
    """Record that the bytes are whole and durable, and ring for the scan.

    The commit of this unit of work is what may be acknowledged.

    Raises:
        StateConflictError: it was sealed, given up or withdrawn meanwhile.
    """
    upload = transition(
        uow,
        upload_id,
        UploadState.SEALED,
        size=size,
        sha256=sha256,
        received_bytes=size,
        storage_version=version,
        sealed_at=func.now(),
    )
    uow.enqueue(first_scan(size, uow.settings.scan_large_bytes), str(upload_id))
    return upload


def reject(uow: UnitOfWork, upload_id: UUID, reason: str) -> Upload:
    """Refuse for good what arrived; the caller removes the bytes after the commit."""
    return transition(uow, upload_id, UploadState.REJECTED, reason=reason)


def abandon(uow: UnitOfWork, upload_id: UUID, reason: str) -> Upload:
    """Give up what will not be finished; the caller removes the bytes after the commit."""
    return transition(uow, upload_id, UploadState.ABANDONED, reason=reason)
