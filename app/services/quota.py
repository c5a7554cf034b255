"""How much an organisation and a ticket may send: reserved before the first byte, settled after the last.

Every step is one guarded UPDATE, so of two that race for the last room one wins. What is reserved
counts as used; an upload that comes to nothing, or is deleted, gives its share back.
"""

from typing import NoReturn
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, true, update

from app.domain.errors import GoneError, TooLargeError, TooManyRequestsError
from app.domain.lifecycle import UploadState
from app.models import Case, Organisation, Ticket, Upload
from app.queries.uploads import sent_by
from app.uow import UnitOfWork


class QuotaError(TooLargeError):
    """The organisation, or the ticket, has no room left."""

    code = "quota_exceeded"


class TooManyOpenError(TooManyRequestsError):
    """The sender has begun too many uploads and finished none of them."""

    code = "too_many_open"


def check_open(uow: UnitOfWork) -> None:
    """Refuse a sender who has too many unfinished uploads. Raises TooManyOpenError."""
    # Two at once would both count one too few: the lock lets the second wait and see.
    key = f"open uploads of {uow.actor.id}"
    uow.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))
    open_now = uow.session.scalar(
        select(func.count()).where(sent_by(uow.actor), Upload.state == UploadState.RECEIVING)
    )
    limit = uow.settings.max_open_uploads
    if (open_now or 0) >= limit:
        raise TooManyOpenError(
            f"You have {limit} unfinished uploads, which is the most. Finish or cancel some of them first."
        )


def reserve(
    uow: UnitOfWork, organisation_id: UUID, ticket_id: UUID | None, size: int, *, uploads: int = 1
) -> None:
    """Reserve ``size`` bytes for a new upload; ``uploads`` is 0 for a part, which is none of its own.

    Raises:
        QuotaError: there is no room.
        GoneError: the ticket is used up, expired or revoked, or its case closed.
    """
    _charge(uow, organisation_id, size, uploads)
    if ticket_id:
        alive = (
            Ticket.revoked_at.is_(None),
            Ticket.expires_at > func.now(),
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
    upload.held_bytes = size
    if more or uploads:
        _charge(uow, upload.organisation_id, more, uploads)
        if upload.ticket_id:
            _charge_ticket(uow, upload.ticket_id, more, uploads)


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
        _say_why(uow.session.get_one(Ticket, ticket_id, populate_existing=True), size)


def _say_why(ticket: Ticket, size: int) -> NoReturn:
    if ticket.used_uploads >= ticket.max_uploads:
        raise GoneError("This ticket is used up. Ask support for a new one.")
    if ticket.max_bytes is not None and ticket.used_bytes + size > ticket.max_bytes:
        left = ticket.max_bytes - ticket.used_bytes
        raise QuotaError(f"This ticket has {left:,} bytes left, and this needs {size:,}. Ask for a new one.")
    raise GoneError("This ticket is no longer good. Ask support for a new one.")
