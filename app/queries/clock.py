"""What time it is."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session


def now(session: Session) -> datetime:
    """Return the database's time, at which the transaction began: every node's is the same."""
    return session.scalars(select(func.now())).one()
