"""Who somebody is at identity providers."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import Identity


def linked_to(session: Session, account_id: UUID | None) -> Sequence[Identity]:
    """Return by which providers an account signs in, the first one first. No customer reads providers."""
    mine = select(Identity).where(Identity.account_id == account_id)
    return session.scalars(mine.order_by(Identity.created_at, Identity.id)).all()
