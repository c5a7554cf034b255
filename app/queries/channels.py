"""Channels, and the log of what each was told."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.domain.errors import NotFoundError
from app.models import Channel


def in_order(session: Session) -> Sequence[Channel]:
    """Return all that were not removed, by their names."""
    query = select(Channel).where(Channel.removed_at.is_(None))
    return session.scalars(query.order_by(Channel.name, Channel.id)).all()


def get(session: Session, channel_id: UUID) -> Channel:
    """Return one that was not removed. Raises NotFoundError."""
    found = session.get(Channel, channel_id, populate_existing=True)
    if found is None or found.removed_at is not None:
        raise NotFoundError
    return found


def is_named(session: Session, name: str, besides: UUID) -> bool:
    """Whether a channel other than ``besides`` is called so, in capitals or not."""
    others = (Channel.id != besides, Channel.removed_at.is_(None))
    return bool(
        session.scalar(select(func.count()).where(func.lower(Channel.name) == func.lower(name), *others))
    )
