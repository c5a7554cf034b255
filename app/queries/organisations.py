"""Organisations, for operators."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.errors import NotFoundError
from app.models import Organisation


def in_order(session: Session) -> Sequence[Organisation]:
    """Return all of them by their short names."""
    return session.scalars(select(Organisation).order_by(Organisation.slug)).all()


def by_slug(session: Session, slug: str) -> Organisation:
    """Return one. Raises NotFoundError."""
    found = session.scalar(select(Organisation).where(Organisation.slug == slug))
    if found is None:
        raise NotFoundError(f"There is no organisation {slug}.")
    return found
