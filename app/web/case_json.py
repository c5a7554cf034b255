"""Cases and tickets as the contract's JSON."""

from app.models import Case
from app.queries.tickets import SeenTicket
from app.web.context import actor
from app.web.upload_json import rfc3339


def case_json(case: Case) -> dict[str, object]:
    """Return the document of one case."""
    return {
        "id": str(case.id),
        "reference": case.reference,
        "organisation": case.organisation.slug,
        "title": case.title,
        "state": "open" if case.closed_at is None else "closed",
        "created_at": rfc3339(case.created_at),
        "closed_at": rfc3339(case.closed_at),
        "retention": {"days": case.retention_days, "since": case.retention_since}
        if case.retention_days is not None
        else None,
        "held": {"at": rfc3339(case.held_at), "by": case.held_by, "reason": case.hold_reason}
        if case.held_at and actor().sees_all
        else None,
    }


def ticket_json(seen: SeenTicket) -> dict[str, object]:
    """Return the document of one ticket, for staff. Its code is in none but that of its making."""
    ticket = seen.ticket
    return {
        "id": str(ticket.id),
        "hint": ticket.hint,
        "case": ticket.case.reference,
        "case_id": str(ticket.case_id),
        "organisation": ticket.case.organisation.slug,
        "state": seen.state.value,
        "uploads": {"used": ticket.used_uploads, "most": ticket.max_uploads},
        "bytes": {"used": ticket.used_bytes, "most": ticket.max_bytes},
        "networks": ticket.networks,
        "recipient": ticket.recipient,
        "made_by": seen.ticket.made_by.email if seen.ticket.made_by else None,
        "created_at": rfc3339(ticket.created_at),
        "expires_at": rfc3339(ticket.expires_at),
        "last_used_at": rfc3339(ticket.last_used_at),
        "revoked_at": rfc3339(ticket.revoked_at),
    }
