"""What the scanner last said of itself."""

from sqlalchemy.orm import Session

from app.domain.verdict import Engine
from app.models import EngineStatus


def current(session: Session) -> Engine | None:
    """Return the engine as last seen, or None when it never was."""
    row = session.get(EngineStatus, 1)
    return Engine(row.engine, row.signatures, row.signatures_at) if row else None
