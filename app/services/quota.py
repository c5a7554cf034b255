"""How much an organisation and a ticket may send: reserved before the first byte, settled after the last.

Every step is one guarded UPDATE, so of two that race for the last room one wins. What is reserved
counts as used; an upload that comes to nothing, or is deleted, gives its share back. So an
organisation's counters are at any time the sums over its uploads (`app.services.organisations.recount`).

Rows are locked in one order, so that nobody waits in a circle: uploads, organisation, ticket, case.
"""

from typing import NoReturn
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, text, true, update

from app.domain.errors import GoneError, StateConflictError, TooLargeError, TooManyRequestsError
from app.domain.lifecycle import UploadState
from app.domain.tickets import WHY, TicketState
from app.models import Case, Organisation, Ticket, Upload
from app.queries.uploads import sent_by
from app.uow import UnitOfWork


class QuotaError(TooLargeError):
    """The organisation, or the ticket, has no room left."""

    code = "quota_exceeded"


class TooManyOpenError(TooManyRequestsError):
    """The sender has begun too many uploads and finished none of them."""

    code = "too_many_open"


def hurry(uow: UnitOfWork) -> None:
    """Let the organisation's row go without waiting for the disk: others of the organisation wait for it.

    Only for a unit of work of which nobody is told anything: a crash of the database may forget it.
    """
    uow.session.execute(text("SET LOCAL synchronous_commit TO off"))


def check_open(uow: UnitOfWork) -> None:
    """Refuse a sender who has too many unfinished uploads. Raises TooManyOpenError.

    Of two at once both would count one too few, unless `reserve` came before: the second then
    waits there for the first, and sees it here.
    """
    open_now = uow.session.scalar(
        select(func.count()).where(
            sent_by(uow.actor),
            Upload.state == UploadState.RECEIVING,
            Upload.joined_into.is_(None),  # parts that were joined count as the whole
        )
    )
    limit = uow.settings.max_open_uploads
    if (open_now or 0) >= limit:
        raise TooManyOpenError(
            f"You have {limit} unfinished uploads, which is the most. Finish or cancel some of them first."
        )


def reserve(
    uow: UnitOfWork,
    organisation_id: UUID,
    ticket_id: UUID | None,
    size: int,
    *,
    uploads: int = 1,
    begun: bool = False,
) -> None:
    """Reserve ``size`` bytes for a new upload; ``uploads`` is 0 for a part, which is none of its own.

    ``begun``: its parts are here, so that a ticket that has expired since may finish it.

    Raises:
        QuotaError: there is no room.
        GoneError: the ticket is used up, expired or revoked, or its case closed.
    """
    _charge(uow, organisation_id, size, uploads)
    if ticket_id:
        alive = (
            Ticket.revoked_at.is_(None),
            true() if begun else Ticket.expires_at > func.now(),
            Ticket.case_id.in_(select(Case.id).where(Case.closed_at.is_(None))),
            # A part needs a use that is left for the whole.
            Ticket.used_uploads + max(uploads, 1) <= Ticket.max_uploads,
        )
        _charge_ticket(uow, ticket_id, size, uploads, *alive)


def settle(uow: UnitOfWork, upload: Upload, size: int, *, uploads: int = 0) -> None:
    """Hold ``size`` bytes for an upload, whatever was reserved for it; and so many uploads more.

    Raises:
        QuotaError: there is no room for what it has grown by.
    """
    more = size - (upload.held_bytes or 0)
    if upload.held_bytes is None and not upload.partial:
        uploads += 1  # begun by a release that counted nothing
    if more or uploads:
        _charge(uow, upload.organisation_id, more, uploads)
        if upload.ticket_id:
            _charge_ticket(uow, upload.ticket_id, more, uploads)
    upload.held_bytes = size


def make_room(uow: UnitOfWork, upload_id: UUID, size: int) -> int:
    """Hold room for the first ``size`` bytes of an upload of unknown length; return for how many it is held.

    Where there is room for some more, that is held too, so that not every piece has to ask.

    Raises:
        StateConflictError: the upload is no longer being received.
        QuotaError: there is no room.
    """
    upload = uow.session.scalar(
        select(Upload)
        .where(Upload.id == upload_id, Upload.state == UploadState.RECEIVING)
        .with_for_update(of=Upload)
    )
    if upload is None:
        raise StateConflictError("This upload has ended.", upload_id=upload_id)
    held = size + _some_more(uow, upload, size)
    try:
        with uow.session.begin_nested():  # others may take the room meanwhile
            settle(uow, upload, held)
    except QuotaError:
        held = size
        settle(uow, upload, held)
    return held


def _some_more(uow: UnitOfWork, upload: Upload, size: int) -> int:
    """Return how many bytes to hold beyond ``size``: near a limit, all that is left."""
    left = uow.session.scalar(
        select(
            func.least(  # NULL, where there is no limit, does not count
                Organisation.quota_bytes - Organisation.used_bytes, Ticket.max_bytes - Ticket.used_bytes
            )
        )
        .outerjoin(Ticket, Ticket.id == upload.ticket_id)
        .where(Organisation.id == upload.organisation_id)
    )
    most = uow.settings.checkpoint_bytes
    return most if left is None else max(min(most, left + (upload.held_bytes or 0) - size), 0)


def check_room(uow: UnitOfWork, size: int) -> None:
    """Refuse early what `check_open` or `reserve` would refuse: an upload of at least ``size`` bytes.

    Nothing is reserved by this.

    Raises:
        QuotaError: the organisation has no room for it.
        TooManyOpenError: the sender has too many unfinished uploads.
    """
    check_open(uow)
    organisation = uow.session.get(Organisation, uow.actor.organisation_id, populate_existing=True)
    if organisation is None:
        return
    bytes_full = organisation.quota_bytes is not None and (
        size > 0 and organisation.used_bytes + size > organisation.quota_bytes
    )
    if bytes_full or (
        organisation.quota_uploads is not None and organisation.used_uploads >= organisation.quota_uploads
    ):
        raise QuotaError(_why_full(organisation, size), organisation_id=organisation.id)


def give_back(uow: UnitOfWork, upload: Upload, *, unused: bool) -> None:
    """Hold nothing for an upload any more; ``unused``: its ticket may be used for another instead."""
    if upload.held_bytes is None:
        return
    uploads = 0 if upload.partial else 1
    _charge(uow, upload.organisation_id, -upload.held_bytes, -uploads)
    if upload.ticket_id and unused:
        _charge_ticket(uow, upload.ticket_id, -upload.held_bytes, -uploads)
    upload.held_bytes = None


def _charge(uow: UnitOfWork, organisation_id: UUID, size: int, uploads: int) -> None:
    bytes_then, uploads_then = Organisation.used_bytes + size, Organisation.used_uploads + uploads
    guards: list[ColumnElement[bool]] = []
    if size > 0:
        guards.append(or_(Organisation.quota_bytes.is_(None), bytes_then <= Organisation.quota_bytes))
    if uploads > 0:
        guards.append(or_(Organisation.quota_uploads.is_(None), uploads_then <= Organisation.quota_uploads))
    charged = uow.session.scalar(
        update(Organisation)
        .where(Organisation.id == organisation_id, *guards)
        .values(used_bytes=func.greatest(bytes_then, 0), used_uploads=func.greatest(uploads_then, 0))
        .returning(Organisation.id)
        .execution_options(synchronize_session=False)
    )
    if charged is None:
        organisation = uow.session.get_one(Organisation, organisation_id, populate_existing=True)
        raise QuotaError(_why_full(organisation, size), organisation_id=organisation_id)


def _why_full(organisation: Organisation, size: int) -> str:
    quota, used = organisation.quota_bytes, organisation.used_bytes
    if quota is not None and used + size > quota:
        return (
            f"{organisation.name} has {max(quota - used, 0):,} of its {quota:,} bytes left here, and this "
            f"needs {size:,}. Ask support to delete old bundles, or for more room."
        )
    return (
        f"{organisation.name} has {organisation.used_uploads:,} bundles here, which is the most. "
        "Ask support to delete old ones, or for more room."
    )


def _charge_ticket(
    uow: UnitOfWork, ticket_id: UUID, size: int, uploads: int, *guards: ColumnElement[bool]
) -> None:
    bytes_then, uploads_then = Ticket.used_bytes + size, Ticket.used_uploads + uploads
    room = or_(Ticket.max_bytes.is_(None), bytes_then <= Ticket.max_bytes) if size > 0 else true()
    charged = uow.session.scalar(
        update(Ticket)
        .where(Ticket.id == ticket_id, room, *guards)
        .values(
            used_bytes=func.greatest(bytes_then, 0),
            used_uploads=func.greatest(uploads_then, 0),
            last_used_at=func.now(),
        )
        .returning(Ticket.id)
        .execution_options(synchronize_session=False)
    )
    if charged is None:
        ticket = uow.session.get_one(Ticket, ticket_id, populate_existing=True)
        _say_why(ticket, size, begins=bool(guards))


def _say_why(ticket: Ticket, size: int, *, begins: bool) -> NoReturn:
    """Raise why a ticket does not let an upload begin, or one that has begun grow."""
    state = ticket.state(expired=False)
    if begins and state is not TicketState.GOOD:
        raise GoneError(WHY[state])
    if ticket.max_bytes is not None and ticket.used_bytes + size > ticket.max_bytes:
        left = ticket.max_bytes - ticket.used_bytes
        raise QuotaError(
            f"This ticket has {left:,} bytes left, and this needs {size:,}. Ask support for a new one."
        )
    raise GoneError(WHY[TicketState.EXPIRED])
