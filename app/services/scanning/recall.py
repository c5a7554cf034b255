"""Who has what turned out to be infected."""

from datetime import UTC, datetime

from sqlalchemy import func, select

from app.models import AuditEvent, Upload
from app.uow import UnitOfWork

#: The deeds by which bytes of a bundle left the portal.
_FETCHED = ("upload.downloaded", "upload.salvaged")
_MOST = 200  # people in one mail


def downloaded_by(uow: UnitOfWork, upload: Upload) -> list[str]:
    """Say who has downloaded the bundle and when, the first one first; a line per person."""
    rows = uow.session.execute(
        select(AuditEvent.actor_label, func.count(), func.min(AuditEvent.at), func.max(AuditEvent.at))
        .where(AuditEvent.upload_id == upload.id, AuditEvent.action.in_(_FETCHED))
        .group_by(AuditEvent.actor_label)
        .order_by(func.min(AuditEvent.at))
        .limit(_MOST)
    )
    return [_line(*row) for row in rows]


def _line(who: str, times: int, first: datetime, last: datetime) -> str:
    if times == 1:
        return f"{who}, on {_moment(first)}"
    return f"{who}, {times:,} times from {_moment(first)} to {_moment(last)}"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
