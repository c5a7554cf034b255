"""What the scanner last said of itself, to whoever asks it."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.domain.verdict import Engine
from app.models import EngineStatus


def current(session: Session) -> Engine | None:
    """Return the engine as last seen, or None when it never was."""
    row = session.get(EngineStatus, 1)
    return Engine(row.engine, row.signatures, row.signatures_at) if row else None


def silence(session: Session) -> float | None:
    """Return how many seconds ago a scanner last answered; None: none ever did."""
    seconds = session.scalar(
        select(func.extract("epoch", func.now() - EngineStatus.seen_at)).where(EngineStatus.id == 1)
    )
    return None if seconds is None else float(seconds)
