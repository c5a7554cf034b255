"""How long bundles are kept: policies, longer for one of them, and the dates that follow from both.

A bundle's date stands in its row, written with all that changes it there (`refresh`), and with it goes what
was told of the date before (`forget_words`). What changes the dates of many, a policy or the end of a case,
is noted (`changed`), and `rewrite` goes through them later. The date is for people and for finding what is
due: before anything is deleted the rule is asked anew.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, select, tuple_, update

from app.domain import naming
from app.domain.errors import InvalidInputError, StateConflictError
from app.domain.events import Event
from app.domain.lifecycle import STORED
from app.domain.retention import MOST_KEPT, Policy
from app.models import Case, EventRecord, Organisation, Upload
from app.queries import cases
from app.queries.retention import dated, expiry, told_until
from app.services import audit
from app.services.lifecycle import locked, written
from app.uow import UnitOfWork

BATCH: Final = 2_000  # rows, less than a second

#: Until then what was just being written when a policy changed may have the date of the old one, seconds.
#: No transaction of the portal lasts as long.
_SETTLED: Final = 90


@dataclass(frozen=True, slots=True)
class Changed:
    """An organisation, or one of its cases, whose bundles' dates are to be written anew.

    ``last``: since then nobody can write what followed from the state before.
    """

    of: type[Organisation] | type[Case]
    id: UUID
    organisation_id: UUID
    reference: str | None
    at: datetime
    last: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where a walk through an organisation's, or a case's, bundles has come to."""

    created_at: datetime
    id: UUID


def refresh(uow: UnitOfWork, upload: Upload) -> Upload:
    """Write the upload's date anew, from what stands in its row now."""
    uow.session.flush()
    uow.session.execute(
        update(Upload)
        .where(Upload.id == upload.id, dated())
        .values(expires_at=expiry())
        .execution_options(synchronize_session=False)
    )
    forget_words(uow, [upload.id])
    return written(uow, upload)


def forget_words(uow: UnitOfWork, ids: Collection[UUID]) -> None:
    """Forget what was told of dates that these bundles have no more, with what is still to be sent of it.

    Should a date come back, people hear of it anew, and have as long again as after any word. Whoever calls
    has the bundles' rows locked.
    """
    uow.session.flush()
    other = (
        select(EventRecord.id)
        .join(Upload, Upload.id == EventRecord.upload_id)
        .where(
            EventRecord.upload_id.in_(ids),
            EventRecord.event == Event.UPLOAD_DELETION_DUE,
            told_until().is_distinct_from(Upload.expires_at),
        )
    )
    uow.session.execute(
        delete(EventRecord).where(EventRecord.id.in_(other)).execution_options(synchronize_session=False)
    )


def set_for_case(uow: UnitOfWork, case_id: UUID, policy: Policy | None) -> Case:
    """Keep the bundles of a case as ``policy`` says, or with None as its organisation's does.

    Raises:
        NotFoundError: absent, or not visible to the actor.
    """
    case = cases.get(uow.session, uow.actor, case_id, lock=True)
    if policy is not None and policy.days is None:
        policy = None
    before = told(case.retention_days, case.retention_since)
    case.retention_days = policy.days if policy else None
    case.retention_since = policy.since if policy else None
    after = told(case.retention_days, case.retention_since)
    if before != after:
        case.retention_changed_at = func.now()
        audit.record(
            uow,
            "case.retention_set",
            organisation_id=case.organisation_id,
            case=case.reference,
            before=before,
            after=after,
        )
    uow.session.flush()
    uow.session.refresh(case)
    return case


def told(days: int | None, since: str | None) -> str:
    """Return a policy as the trail has it."""
    return f"{days} days since {since}" if days is not None else "no policy"


def keep(uow: UnitOfWork, upload_id: UUID, until: datetime | None, reason: str | None) -> Upload:
    """Keep a bundle at least ``until`` then, whatever the policies say; None takes that back.

    Raises:
        NotFoundError: absent, or not visible to the actor.
        StateConflictError: there is no bundle any more, or not yet.
        InvalidInputError: that is over, or too far away; or the reason is none.
    """
    upload = locked(uow, upload_id)
    if upload.state not in STORED:
        raise StateConflictError("There is nothing stored of this upload to keep.", state=upload.state)
    why = naming.clean_reason(reason)
    now: datetime = uow.session.scalars(select(func.now())).one()
    if until is not None and not now < until <= now + MOST_KEPT:
        raise InvalidInputError("Choose a day after today, within the next ten years.")
    before, upload.kept_until = upload.kept_until, until
    audit.record(uow, "upload.kept", upload=upload, why=why, before=_moment(before), after=_moment(until))
    return refresh(uow, upload)


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def changed(uow: UnitOfWork) -> list[Changed]:
    """Return whose bundles' dates are to be written anew, the longest waiting first."""
    old = func.now() - timedelta(seconds=_SETTLED)
    homes = uow.session.execute(
        select(Organisation.id, Organisation.retention_changed_at, Organisation.retention_changed_at < old)
    )
    found = [Changed(Organisation, home, home, None, at, done) for home, at, done in homes if at]
    of_cases = uow.session.execute(
        select(
            Case.id,
            Case.organisation_id,
            Case.reference,
            Case.retention_changed_at,
            Case.retention_changed_at < old,
        ).where(Case.retention_changed_at.is_not(None))
    )
    found += [Changed(Case, of, home, name, at, done) for of, home, name, at, done in of_cases if at]
    return sorted(found, key=lambda each: each.at)


def rewrite(uow: UnitOfWork, each: Changed, after: Place | None = None) -> tuple[int, Place | None]:
    """Write the dates of the next few thousand bundles anew; return how many changed, and where to go on.

    The policies are read anew with every batch. None at the end: then all have been gone through.
    """
    which: list[ColumnElement[bool]] = [Upload.organisation_id == each.organisation_id]
    if each.reference is not None:
        which.append(Upload.case_reference == each.reference)
    if after:
        which.append(tuple_(Upload.created_at, Upload.id) > tuple_(after.created_at, after.id))
    walk = select(Upload.created_at, Upload.id).where(*which).order_by(Upload.created_at, Upload.id)
    end = uow.session.execute(walk.offset(BATCH - 1).limit(1)).one_or_none()
    if end is not None:
        which.append(tuple_(Upload.created_at, Upload.id) <= tuple_(end.created_at, end.id))
    moved = uow.session.scalars(
        update(Upload)
        .where(and_(*which), dated(), Upload.expires_at.is_distinct_from(expiry()))
        .values(expires_at=expiry())
        .returning(Upload.id)
        .execution_options(synchronize_session=False)
    ).all()
    if moved:
        forget_words(uow, moved)
    return len(moved), Place(end.created_at, end.id) if end is not None else None


def settle(uow: UnitOfWork, each: Changed) -> None:
    """Note that all dates are those of the policies now, unless these have changed again meanwhile."""
    uow.session.execute(
        update(each.of)
        .where(each.of.id == each.id, each.of.retention_changed_at == each.at)
        .values(retention_changed_at=None)
        .execution_options(synchronize_session=False)
    )
