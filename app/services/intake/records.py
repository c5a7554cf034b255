"""The row of an upload while it is being received."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import func, null, select, update

from app import tracing
from app.domain import naming
from app.domain.errors import (
    ForbiddenError,
    LockedError,
    StateConflictError,
    TooLargeError,
    WrongContentError,
)
from app.domain.events import Event
from app.domain.jobs import first_scan
from app.domain.lifecycle import UploadState
from app.models import Upload
from app.queries.standing import still_good
from app.services import audit, cases, notices, quota, standing, tickets
from app.services.intake import keys
from app.services.lifecycle import transition
from app.uow import UnitOfWork


class OvertakenError(LockedError):
    """Another request goes on with this upload; this one writes nothing any more (tus: 423)."""

    def __init__(self) -> None:
        super().__init__("Another request goes on with this upload.")


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a sender says before the first byte. Everything is as typed; `start` cleans it."""

    door: str  # form, tus, put or direct
    filename: str | None
    size: int | None = None  # bytes, None where the sender cannot know
    case: str | None = None
    note: str | None = None
    sha256: str | None = None  # hex
    idempotency_key: str | None = None
    at_most: int = 0  # bytes that are reserved where the size is not known
    partial: bool = False  # a part, to be joined with others (tus concatenation)
    joins: bool = False  # such parts, which began before


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

    With a ticket it belongs to the ticket's case, whatever was announced.

    Raises:
        TooLargeError, WrongContentError, InvalidInputError: as announced, it will not do.
        QuotaError, TooManyOpenError: there is no room.
        GoneError: the ticket is used up, or good no more.
        ForbiddenError: the actor belongs to no organisation.
        StateConflictError: the idempotency key has brought its upload meanwhile.
    """
    actor, organisation_id = uow.actor, uow.actor.organisation_id
    if actor.id is None or organisation_id is None:
        raise ForbiddenError("Only members of an organisation send bundles.")
    check_size(announced.size, uow.settings.max_upload_bytes)
    if announced.door in {"put", "form"}:
        quota.hurry(uow)  # nobody is told of this row before the seal is durable, and with it this
    key = keys.claim(uow, announced.idempotency_key)
    reserved = announced.size if announced.size is not None else announced.at_most
    upload_id = uuid4()
    # in the order of locks that `quota` names
    count = 0 if announced.partial else 1
    quota.reserve(uow, organisation_id, actor.ticket_id, reserved, uploads=count, begun=announced.joins)
    if not announced.joins:  # instead of its parts, so that there are no more than before
        quota.check_open(uow)
    upload = Upload(
        id=upload_id,
        organisation_id=organisation_id,
        uploader_id=None if actor.ticket_id else actor.id,
        ticket_id=actor.ticket_id,
        door=announced.door,
        idempotency_key=key,
        filename=naming.clean_filename(announced.filename),
        case_reference=cases.ensure(uow, organisation_id, actor.case or announced.case),
        note=naming.clean_note(announced.note),
        declared_bytes=announced.size,
        declared_sha256=naming.clean_sha256(announced.sha256),
        held_bytes=reserved,
        partial=announced.partial,
        storage_name=storage_name,
        storage_key=naming.storage_key(organisation_id, upload_id),
    )
    uow.session.add(upload)
    uow.session.flush()
    audit.record(uow, "upload.started", upload=upload, door=announced.door)
    if (announced.size or 0) >= uow.settings.big_upload_bytes and not (announced.partial or announced.joins):
        notices.announce(uow, Event.UPLOAD_STARTED, upload)
    return upload


def describe(
    uow: UnitOfWork, upload_id: UUID, *, case: str | None, note: str | None, sha256: str | None
) -> None:
    """Add what the sender said after the file began. None leaves what is there.

    Raises:
        InvalidInputError: a value will not do.
    """
    if case is None and note is None and sha256 is None:
        return
    _while_receiving(uow, upload_id, {})  # its row first: see `quota`
    organisation_id = uow.actor.organisation_id
    given = {
        "case_reference": cases.ensure(uow, organisation_id, uow.actor.case or case)
        if organisation_id
        else None,
        "note": naming.clean_note(note),
        "declared_sha256": naming.clean_sha256(sha256),
    }
    _while_receiving(uow, upload_id, {column: value for column, value in given.items() if value is not None})


def declared_sha256(uow: UnitOfWork, upload_id: UUID) -> frozenset[str]:
    """Return the SHA-256 (hex) that the sender announced, if any.

    Raises:
        StateConflictError: the upload has ended meanwhile, as when its ticket was revoked.
    """
    announced = uow.session.execute(
        select(Upload.declared_sha256).where(Upload.id == upload_id, Upload.state == UploadState.RECEIVING)
    ).one_or_none()
    if announced is None:
        raise StateConflictError("This upload has ended.", upload_id=upload_id)
    return frozenset(filter(None, announced))


def checkpoint(uow: UnitOfWork, upload_id: UUID, offset: int, *, epoch: int | None = None) -> datetime:
    """Note that the first ``offset`` bytes are durable; return when.

    With ``epoch`` only the newest writer notes anything (`app.services.intake.writing`).

    Raises:
        StateConflictError: the upload is no longer being received.
        OvertakenError: another request has begun to write since that epoch.
        QuotaError: there is no room for what came beyond what was announced.
        NotSignedInError, GoneError: who sends may come no more (`services.standing`).
    """
    held, at = _while_receiving(uow, upload_id, {"received_bytes": offset}, epoch)
    if held is not None and offset > held:
        # More than was announced: room for it must be found while it comes.
        quota.settle(uow, uow.session.get_one(Upload, upload_id, populate_existing=True), offset)
    return at


def _while_receiving(
    uow: UnitOfWork, upload_id: UUID, values: Mapping[str, object], epoch: int | None = None
) -> tuple[int | None, datetime]:
    """Set ``values``; return how many bytes of the quota are held for it, and the time.

    Raises:
        StateConflictError, OvertakenError, NotSignedInError, GoneError: see `checkpoint`.
    """
    guards = [Upload.id == upload_id, Upload.state == UploadState.RECEIVING]
    if epoch is not None:
        guards.append(Upload.writer_epoch == epoch)
    moved = uow.session.execute(
        update(Upload)
        .where(*guards)
        .values(active_at=func.now(), **values)
        # in the same statement: this is asked with every chunk
        .returning(Upload.held_bytes, Upload.active_at, still_good(uow.actor).label("good"))
    ).one_or_none()
    if moved is not None:
        if not moved.good:
            raise standing.refusal(uow)
        return moved.held_bytes, moved.active_at
    if epoch is not None and state_of(uow, upload_id) is UploadState.RECEIVING:
        raise OvertakenError
    raise StateConflictError("This upload has ended.", upload_id=upload_id)


def state_of(uow: UnitOfWork, upload_id: UUID) -> UploadState | None:
    """Return what has become of it; None if the database knows nothing of it (`quota.hurry`)."""
    return uow.session.scalar(select(Upload.state).where(Upload.id == upload_id))


def seal(uow: UnitOfWork, upload_id: UUID, *, size: int, sha256: str | None, version: str) -> Upload:
    """Record that the bytes are whole and durable, and ring for the scan.

    The commit of this unit of work is what may be acknowledged. ``sha256`` is None where only the
    scan can know it.

    Raises:
        StateConflictError: it was sealed, given up or withdrawn meanwhile.
        NotSignedInError, GoneError: who sent it may come no more (`services.standing`).
    """
    with tracing.span("seal upload", upload_id=str(upload_id), bytes=size):
        upload = transition(
            uow,
            upload_id,
            UploadState.SEALED,
            size=size,
            sha256=sha256,
            received_bytes=size,
            storage_version=version,
            joining=null(),
            sealed_at=func.now(),
            trace=tracing.traceparent(),
        )
    standing.check(uow)
    quota.settle(uow, upload, size)
    notices.announce(uow, Event.UPLOAD_RECEIVED, upload)
    if upload.ticket:
        tickets.tell_of_use(uow, upload.ticket, upload)
    uow.enqueue(first_scan(size, uow.settings.scan_large_bytes), str(upload_id))
    return upload


def reject(uow: UnitOfWork, upload_id: UUID, reason: str) -> Upload:
    """Refuse for good what arrived; the caller removes the bytes after the commit."""
    rejected = transition(uow, upload_id, UploadState.REJECTED, reason=reason)
    if not rejected.partial:
        notices.announce(uow, Event.UPLOAD_REJECTED, rejected)
    return rejected


def abandon(uow: UnitOfWork, upload_id: UUID, reason: str) -> Upload:
    """Give up what will not be finished; the caller removes the bytes after the commit."""
    return transition(uow, upload_id, UploadState.ABANDONED, reason=reason)
