"""What people should hear of before it happens: tickets that expire, quotas that fill up."""

from datetime import timedelta
from typing import Final

from sqlalchemy import func, select

from app.domain.events import Event
from app.domain.payloads import QuotaFacts
from app.models import Case, Organisation, Ticket
from app.services import facts, notices
from app.uow import UnitOfWork

_SOON: Final = timedelta(days=1)
_PERCENT: Final = (95, 80)  # of a quota that is used: each is told once a month


def warn_of_tickets(uow: UnitOfWork) -> int:
    """Tell whoever made a ticket that it expires within a day and has uses left; return of how many."""
    soon = uow.session.scalars(
        select(Ticket)
        .join(Case, Case.id == Ticket.case_id)
        .where(
            Ticket.expires_at.between(func.now(), func.now() + _SOON),
            Ticket.created_at < Ticket.expires_at - 2 * _SOON,  # of one that was short nobody needs to hear
            Ticket.revoked_at.is_(None),
            Case.closed_at.is_(None),
            Ticket.used_uploads < Ticket.max_uploads,
        )
    ).all()
    for ticket in soon:
        notices.announce(
            uow,
            Event.TICKET_EXPIRING,
            payload=facts.of_ticket(ticket),
            organisation_id=ticket.case.organisation_id,
            case_id=ticket.case_id,
            account_id=ticket.made_by_id,
            occasion=f"{ticket.id} {ticket.expires_at.isoformat()}",
        )
    return len(soon)


def warn_of_quotas(uow: UnitOfWork) -> int:
    """Tell admins and managers of organisations whose quota is nearly used up; return of how many."""
    month = uow.session.scalars(select(func.to_char(func.now(), "YYYY-MM"))).one()
    limited = uow.session.scalars(
        select(Organisation).where(
            Organisation.suspended_at.is_(None),
            func.greatest(
                Organisation.used_bytes * 100.0 / func.nullif(Organisation.quota_bytes, 0),
                Organisation.used_uploads * 100.0 / func.nullif(Organisation.quota_uploads, 0),
            )
            >= min(_PERCENT),
        )
    ).all()
    for organisation in limited:
        used = _percent(organisation)
        passed = next(percent for percent in _PERCENT if used >= percent)
        notices.announce(
            uow,
            Event.QUOTA_NEAR,
            payload=QuotaFacts(
                organisation=organisation.slug,
                percent=used,
                used_bytes=organisation.used_bytes,
                quota_bytes=organisation.quota_bytes,
                used_uploads=organisation.used_uploads,
                quota_uploads=organisation.quota_uploads,
            ),
            organisation_id=organisation.id,
            occasion=f"{passed} {month}",
        )
    return len(limited)


def _percent(organisation: Organisation) -> int:
    """Return how much is used of the quota that is nearer to its end."""
    parts = (
        (organisation.used_bytes, organisation.quota_bytes),
        (organisation.used_uploads, organisation.quota_uploads),
    )
    return max(used * 100 // quota for used, quota in parts if quota)
