"""Reading tickets: for staff, and for whoever has one."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.domain.errors import NotFoundError
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor
from app.domain.tickets import TicketState
from app.models import Case, Ticket, Upload


@dataclass(frozen=True, slots=True)
class SeenTicket:
    """A ticket, and what it is good for by the database's clock."""

    ticket: Ticket
    state: TicketState


def _visible_to(actor: Actor) -> Select[Ticket, bool]:
    """Select what staff may see, which is every ticket; a ticket sees itself, and a customer none."""
    query = select(Ticket, Ticket.expires_at <= func.now())
    return query if actor.sees_all else query.where(Ticket.id == actor.ticket_id)


def get(session: Session, actor: Actor, ticket_id: UUID) -> SeenTicket:
    """Return one ticket. Raises NotFoundError: there is none, or it is not the actor's to see."""
    found = session.execute(_visible_to(actor).where(Ticket.id == ticket_id)).one_or_none()
    if found is None:
        raise NotFoundError
    return _seen(*found)


def of_case(session: Session, actor: Actor, case: Case) -> list[SeenTicket]:
    """Return the tickets of a case, newest first."""
    query = _visible_to(actor).where(Ticket.case_id == case.id)
    rows = session.execute(query.order_by(Ticket.created_at.desc(), Ticket.id)).all()
    return [_seen(*row) for row in rows]


def _seen(ticket: Ticket, expired: bool) -> SeenTicket:
    return SeenTicket(ticket, ticket.state(expired=expired))


def begun_with(session: Session, ticket_id: UUID) -> list[UUID]:
    """Return the uploads, and parts of some, that began with a ticket and are not complete."""
    return list(
        session.scalars(
            select(Upload.id).where(Upload.ticket_id == ticket_id, Upload.state == UploadState.RECEIVING)
        )
    )
