"""Totals of what happened: exact at any moment, however many rows there are (migration 0015)."""

from enum import StrEnum

from sqlalchemy import func, select, union_all
from sqlalchemy.orm import Session

from app.models import Counter, CounterMark


class Counted(StrEnum):
    """Names of totals, and what their labels are."""

    UPLOADS = "uploads"  # by state, as they are now
    OUTCOMES = "outcomes"  # of uploads: "received", "rejected", ...
    RECEIVED_BYTES = "received_bytes"
    VERDICTS = "verdicts"
    SCANNED_BYTES = "scanned_bytes"  # expanded
    SCAN_SECONDS = "scan_seconds"
    SCANS_WITHIN = "scans_within"  # the first bound, in seconds, that a scan stayed within
    DELIVERIES = "deliveries"  # "webhook sent"
    SIGN_INS = "sign_ins"  # "begun password+totp"


def totals(session: Session) -> dict[Counted, dict[str, float]]:
    """Return each total by label: what was added up, and what has come since, in one look."""
    both = union_all(
        select(Counter.name, Counter.label, Counter.amount),
        select(CounterMark.name, CounterMark.label, CounterMark.amount),
    ).subquery()
    found: dict[Counted, dict[str, float]] = {name: {} for name in Counted}
    rows = session.execute(
        select(both.c.name, both.c.label, func.sum(both.c.amount))
        .where(both.c.name.in_(list(Counted)))
        .group_by(both.c.name, both.c.label)
    )
    for name, label, amount in rows:
        found[Counted(name)][label] = amount
    return found
