"""What people have chosen for themselves."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import Account


def unwanted_by(session: Session, account_id: UUID | None) -> list[str]:
    """Return the events (`domain.events`) that somebody wants no mails of."""
    return session.scalar(select(Account.unwanted).where(Account.id == account_id)) or []
