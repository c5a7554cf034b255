"""What the scanner last said of itself, so that no page has to wait for it."""

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert

from app.domain.verdict import Engine
from app.models import EngineStatus
from app.uow import UnitOfWork


def report(uow: UnitOfWork, engine: Engine) -> None:
    """Replace the one row."""
    values = {
        "engine": engine.name,
        "signatures": engine.signatures,
        "signatures_at": engine.signatures_at,
        "seen_at": func.now(),
    }
    uow.session.execute(
        insert(EngineStatus).values(id=1, **values).on_conflict_do_update(index_elements=["id"], set_=values)
    )
