"""When bundles are to be deleted: `domain.retention.expires` as one SQL expression, and what is due."""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, and_, case, cast, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from app.domain.lifecycle import UploadState
from app.domain.retention import RetentionSince
from app.models import Case, EventRecord, Organisation, Upload

HALF_A_DAY: Final = literal(timedelta(hours=12))
_DAY: Final = literal(timedelta(days=1))
_UNDATED: Final = (UploadState.RECEIVING, UploadState.DELETED)


def dated() -> ColumnElement[bool]:
    """Select the rows that have a date: what is whole, and what came to nothing and is named all the same."""
    return and_(Upload.state.not_in(_UNDATED), ~Upload.partial)


def told_until() -> ColumnElement[datetime | None]:
    """Return the date that a record of an UPLOAD_DELETION_DUE tells of."""
    return cast(EventRecord.told["until"].astext, DateTime(timezone=True))


def expiry(
    received: Any = None, downloaded: Any = None, *, unless_held: bool = True
) -> ColumnElement[datetime | None]:
    """Return when an upload's row is to be deleted by the policies as they are; NULL: not by itself.

    Arguments stand for what an UPDATE is about to write. A hold, on the bundle or on its case, keeps it:
    that is NULL too, with ``unless_held``.
    """
    received = func.coalesce(Upload.sealed_at, Upload.created_at) if received is None else received
    downloaded = Upload.last_downloaded_at if downloaded is None else downloaded
    of, home = aliased(Case), aliased(Organisation)
    days = func.coalesce(of.retention_days, home.retention_days)
    since = case((of.retention_days.is_not(None), of.retention_since), else_=home.retention_since)
    base = case(
        (since == RetentionSince.DOWNLOADED, func.coalesce(downloaded, received)),
        (
            and_(since == RetentionSince.CLOSED, of.id.is_not(None)),
            case((of.closed_at.is_not(None), func.greatest(of.closed_at, received))),
        ),
        else_=received,
    )
    # GREATEST leaves out what is NULL
    ends = func.greatest(base + days * _DAY, Upload.kept_until)
    never = or_(days.is_(None), base.is_(None), Upload.partial)
    if unless_held:
        never = or_(never, Upload.held_at.is_not(None), of.held_at.is_not(None))
    return (
        select(case((never, None), else_=ends))
        .select_from(home)
        .outerjoin(of, and_(of.organisation_id == home.id, of.reference == Upload.case_reference))
        .where(home.id == Upload.organisation_id)
        .correlate(Upload)
        .scalar_subquery()
    )


def without_hold(session: Session, upload_id: UUID) -> datetime | None:
    """Return when a bundle would be deleted if nobody held it."""
    return session.scalar(select(expiry(unless_held=False)).where(Upload.id == upload_id))
