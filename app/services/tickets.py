"""Upload tickets: leave to send for one case, for whoever knows a code."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert

from app.domain import ticket_code
from app.domain.errors import ForbiddenError, StateConflictError
from app.domain.events import Event
from app.domain.tickets import Terms, clean_days, clean_uploads
from app.models import Case, Ticket, Upload
from app.queries import cases, tickets
from app.queries.tickets import SeenTicket
from app.services import audit, facts, notices
from app.uow import UnitOfWork

#: What is said of an upload that a ticket's end has ended.
CUT_SHORT: Final = "The ticket was withdrawn before all had arrived."


@dataclass(frozen=True, slots=True)
class Issued:
    """A new ticket and its code, which cannot be read again."""

    seen: SeenTicket
    code: str


def issue(uow: UnitOfWork, case_id: UUID, terms: Terms, ticket_id: UUID | None = None) -> Issued:
    """Make a ticket for an open case, and mail its code to the recipient if there is one.

    ``ticket_id`` is chosen beforehand where a form sent twice must make one ticket.

    Raises:
        NotFoundError: the case is absent, or not visible to the actor.
        StateConflictError: it is closed; or a ticket with this id was made already.
    """
    case = cases.get(uow.session, uow.actor, case_id, lock=True)
    if uow.actor.id is None:
        raise ForbiddenError("Tickets are made by people.")
    if case.closed_at is not None:
        raise StateConflictError("This case is closed. Reopen it to make a ticket for it.")
    code = ticket_code.generate()
    made = uow.session.scalar(
        insert(Ticket)
        .values(
            id=ticket_id or uuid4(),
            case_id=case.id,
            made_by_id=uow.actor.id,
            code_hash=ticket_code.digest(code),
            hint=code[:4],
            recipient=terms.recipient,
            networks=list(terms.networks),
            expires_at=func.now() + timedelta(days=terms.days),
            max_uploads=terms.uploads,
            max_bytes=terms.size,
        )
        .on_conflict_do_nothing(index_elements=["id"])
        .returning(Ticket.id)
    )
    if made is None:
        raise StateConflictError("This ticket was made already, and its code is shown only once.")
    seen = tickets.get(uow.session, uow.actor, made)
    _record(
        uow,
        "ticket.issued",
        seen.ticket,
        days=terms.days,
        uploads=terms.uploads,
        bytes=terms.size,
        networks=list(terms.networks) or None,
        recipient=terms.recipient,
    )
    if terms.recipient:
        _mail(uow, seen.ticket, case, terms.recipient, code)
    return Issued(seen, code)


def _mail(uow: UnitOfWork, ticket: Ticket, case: Case, recipient: str, code: str) -> None:
    notices.tell(
        uow,
        Event.TICKET_ISSUED,
        recipient,
        occasion=str(ticket.id),
        code=code,  # forgotten when the mail has gone, or cannot go (`deliveries`)
        ticket=str(ticket.id),
        case=case.reference,
        organisation=case.organisation.name,
        uploads=ticket.max_uploads,
        bytes=ticket.max_bytes,
        until=f"{ticket.expires_at.day} {ticket.expires_at:%b %Y, %H:%M} UTC",
        narrowed=bool(ticket.networks),
    )


def refresh(
    uow: UnitOfWork, ticket_id: UUID, *, days: int | None = None, uploads: int | None = None
) -> SeenTicket:
    """Let a ticket last ``days`` from now, unless it lasts longer, and take so many ``uploads`` more.

    Raises:
        NotFoundError: absent, or not visible to the actor.
        StateConflictError: it was revoked, or its case is closed.
        InvalidInputError: that is more than a ticket can allow.
    """
    ticket = _locked(uow, ticket_id)
    if ticket.revoked_at is not None:
        raise StateConflictError("This ticket was withdrawn. Make a new one.")
    if ticket.case.closed_at is not None:
        raise StateConflictError("The case is closed. Reopen it first.")
    if uploads:
        ticket.max_uploads = clean_uploads(ticket.max_uploads + clean_uploads(uploads))
    if days:
        ends = func.now() + timedelta(days=clean_days(days))
        uow.session.execute(
            update(Ticket)
            .where(Ticket.id == ticket_id)
            .values(expires_at=func.greatest(Ticket.expires_at, ends))
            .execution_options(synchronize_session=False)
        )
    _record(uow, "ticket.refreshed", ticket, days=days or None, uploads=uploads or None)
    return _seen(uow, ticket)


def revoke(uow: UnitOfWork, ticket_id: UUID) -> SeenTicket:
    """End a ticket at once, and for good. What was begun with it is the caller's to give up.

    Raises:
        NotFoundError: absent, or not visible to the actor.
        StateConflictError: it was revoked already.
    """
    ticket = _locked(uow, ticket_id)
    if ticket.revoked_at is not None:
        raise StateConflictError("This ticket was withdrawn already.")
    ticket.revoked_at = func.now()
    _record(uow, "ticket.revoked", ticket)
    return _seen(uow, ticket)


def tell_of_use(uow: UnitOfWork, ticket: Ticket, upload: Upload) -> None:
    """Let whoever made a ticket know that ``upload`` was sent with it."""
    uow.session.refresh(ticket)
    notices.announce(
        uow,
        Event.TICKET_USED,
        payload=facts.of_ticket(ticket, upload),
        organisation_id=upload.organisation_id,
        case_id=ticket.case_id,
        account_id=ticket.made_by_id,
        occasion=str(upload.id),
    )


def _locked(uow: UnitOfWork, ticket_id: UUID) -> Ticket:
    ticket = tickets.get(uow.session, uow.actor, ticket_id).ticket
    uow.session.refresh(ticket, with_for_update={"of": Ticket})
    return ticket


def _seen(uow: UnitOfWork, ticket: Ticket) -> SeenTicket:
    """Return the ticket as the database has it after the changes."""
    uow.session.flush()
    uow.session.refresh(ticket)
    return tickets.get(uow.session, uow.actor, ticket.id)


def _record(uow: UnitOfWork, action: str, ticket: Ticket, **terms: object) -> None:
    """Write it down; of the code nothing but how it begins."""
    named = {name: value for name, value in terms.items() if value is not None}
    audit.record(
        uow,
        action,
        organisation_id=ticket.case.organisation_id,
        ticket=ticket.hint,
        case=ticket.case.reference,
        terms=named or None,
    )
