"""Cases, tickets, and what is sent with them."""

import base64
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from app.domain.policy import Actor, Role
from app.domain.tickets import Terms
from app.models import Case, Organisation, Ticket
from app.queries.accounts import actor_with
from app.services import cases, tickets
from app.services.tickets import Issued
from app.system import System
from tests.factories.people import make_actor, make_organisation


def make_case(system: System, reference: str = "CS-1", organisation_id: UUID | None = None) -> Case:
    """Return the case, made now if there was none."""
    home = organisation_id or make_organisation(system).id
    with system.work() as uow:
        kept = cases.ensure(uow, home, reference)
        return uow.session.scalars(
            select(Case).where(Case.organisation_id == home, Case.reference == kept)
        ).one()


def issue_ticket(
    system: System, case: str = "CS-1", organisation_id: UUID | None = None, **terms: Any
) -> Issued:
    """Make a ticket, good for one upload within a day unless ``terms`` say otherwise."""
    of_case = make_case(system, case, organisation_id)
    with system.work(make_actor(system, Role.ENGINEER)) as uow:
        return tickets.issue(uow, of_case.id, Terms(**{"days": 1, "uploads": 1} | terms))


def basic(issued: Issued) -> dict[str, str]:
    """Return the header that `curl -u CASE:TICKET` sends."""
    return basic_of(issued.seen.ticket.case.reference, issued.code)


def basic_of(case: str, code: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{case}:{code}".encode()).decode()}


def holder(issued: Issued) -> Actor:
    """Return whoever has the ticket as one who acts."""
    return actor_with(issued.seen.ticket, "127.0.0.1")


def ticket_now(system: System, issued: Issued) -> Ticket:
    with system.work() as uow:
        return uow.session.get_one(Ticket, issued.seen.ticket.id, populate_existing=True)


def let_expire(system: System, issued: Issued, seconds: float = 1) -> None:
    """Make the ticket's end lie so many seconds ago."""
    with system.work() as uow:
        uow.session.execute(
            update(Ticket)
            .where(Ticket.id == issued.seen.ticket.id)
            .values(expires_at=func.now() - func.make_interval(0, 0, 0, 0, 0, 0, seconds))
        )


def close_case(system: System, issued: Issued) -> None:
    with system.work() as uow:
        cases.close(uow, issued.seen.ticket.case_id)


def organisation_of(system: System, actor: Actor) -> Organisation:
    with system.work() as uow:
        return uow.session.get_one(Organisation, actor.organisation_id)
