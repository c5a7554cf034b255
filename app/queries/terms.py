"""How long one bundle is kept, as the rules are now, for the pages and mails that say so.

The date in a bundle's row is written some seconds after a policy, a case or a hold has changed: what people
read here is right before that too. Whether something may be deleted is not asked here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session, aliased

from app.domain.lifecycle import STORED
from app.domain.retention import Policy, RetentionSince, expires
from app.models import Case, Organisation, Upload
from app.queries.retention import dated, expiry

#: Of so many of an organisation's oldest bundles is counted what is due: those are the first to be.
LOOKED_AT: Final = 10_000


@dataclass(frozen=True, slots=True)
class Term:
    """How long a bundle is kept. With nothing else said: until somebody deletes it."""

    held: bool = False  # until further notice
    after_closing: int | None = None  # days, of a case that is open
    until: datetime | None = None


def policy_of(organisation: Organisation, case: Case | None) -> Policy:
    """Return what counts for a case's bundles, or without one for an organisation's."""
    if case is not None and case.retention_days is not None and case.retention_since is not None:
        return Policy(case.retention_days, case.retention_since)
    return Policy(organisation.retention_days, organisation.retention_since)


def days_from_closing(organisation: Organisation, case: Case) -> int | None:
    """Return how many days a case's bundles are kept after its end; None where it does not count."""
    policy = policy_of(organisation, case)
    return policy.days if policy.since is RetentionSince.CLOSED else None


def kept_since_closing(organisation: Organisation, case: Case) -> datetime | None:
    """Return until when what a closed case had is kept, where that is counted from its end."""
    days = days_from_closing(organisation, case)
    return case.closed_at + timedelta(days=days) if case.closed_at and days is not None else None


def term_of(upload: Upload, case: Case | None) -> Term:
    """Return how long a whole bundle is kept; ``case`` is its own, None where it has none."""
    if upload.held_at is not None or (case is not None and case.held_at is not None):
        return Term(held=True)
    policy = policy_of(upload.organisation, case)
    if policy.days is not None and policy.since is RetentionSince.CLOSED and case and case.closed_at is None:
        return Term(after_closing=policy.days)
    return Term(
        until=upload.expires_at
        or expires(
            upload.sealed_at or upload.created_at,
            upload.last_downloaded_at,
            case.closed_at if case else None,
            policy.days,
            policy.since,
            upload.kept_until,
            in_case=case is not None,
        )
    )


def held_cases(session: Session, uploads: Sequence[Upload]) -> dict[UUID, Case]:
    """Return by upload the case that holds it, of those whose case is on legal hold."""
    named = {(each.organisation_id, each.case_reference) for each in uploads if each.case_reference}
    if not named:
        return {}
    rows = session.scalars(
        select(Case).where(
            Case.held_at.is_not(None),
            tuple_(Case.organisation_id, Case.reference).in_(sorted(named, key=str)),
        )
    )
    held = {(case.organisation_id, case.reference): case for case in rows}
    return {
        each.id: held[each.organisation_id, each.case_reference]
        for each in uploads
        if each.case_reference and (each.organisation_id, each.case_reference) in held
    }


def overdue(session: Session, organisation_id: UUID) -> int:
    """Return of how many of an organisation's oldest bundles the day is over, by the rules as they are."""
    each = aliased(Upload)
    oldest = (
        select(each.id)
        .where(each.organisation_id == organisation_id)
        .order_by(each.created_at, each.id)
        .limit(LOOKED_AT)
    )
    return session.scalars(
        select(func.count()).where(
            Upload.id.in_(oldest), dated(), Upload.state.in_(STORED), expiry() <= func.now()
        )
    ).one()
