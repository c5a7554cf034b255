"""Places in a list ordered by time or by names, as the text that an address carries (keyset paging)."""

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Select, tuple_
from sqlalchemy.orm import Session

from app.domain.errors import BadRequestError
from app.models import Account, Organisation

Named = TypeVar("Named", Account, Organisation)


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a list: right after the row with these values."""

    created_at: datetime
    id: UUID


def encode(created_at: datetime, row_id: UUID) -> str:
    """Return the place right after a row as text."""
    return _pack(created_at.isoformat(), str(row_id))


def decode(cursor: str) -> Position:
    """Return the place that a text names. Raises BadRequestError when it is not one of ours."""
    with _ours():
        at, row_id = _unpack(cursor)
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError(at)
        return Position(moment, UUID(row_id))


def page_by_name(
    session: Session, query: Select[Named], of: type[Named], size: int, cursor: str | None
) -> tuple[Sequence[Named], str | None]:
    """Return up to ``size`` rows by their names that come after ``cursor``, and the place after them.

    Args:
        session: of the actor's unit of work.
        query: what is in the list at all; it selects rows of ``of``.
        of: what has the names.
        size: of the page.
        cursor: the place after the page before; None: from the beginning.

    Returns:
        The rows; and the next page's cursor, None if there is none.

    Raises:
        BadRequestError: the cursor is not one of ours.
    """
    if cursor:
        query = query.where(tuple_(of.name, of.id) > tuple_(*_decode_name(cursor)))
    found = session.scalars(query.order_by(of.name, of.id).limit(size + 1)).all()
    items = found[:size]
    return items, _encode_name(items[-1]) if len(found) > size else None


def _encode_name(row: Account | Organisation) -> str:
    return _pack(str(row.id), row.name)


def _decode_name(cursor: str) -> tuple[str, UUID]:
    with _ours():
        row_id, name = _unpack(cursor)
        return name, UUID(row_id)


def _pack(first: str, rest: str) -> str:
    """``first`` without blanks."""
    return base64.urlsafe_b64encode(f"{first} {rest}".encode()).decode()


def _unpack(cursor: str) -> tuple[str, str]:
    """Raises ValueError."""
    first, _, rest = base64.urlsafe_b64decode(cursor.encode()).decode().partition(" ")
    return first, rest


@contextmanager
def _ours() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise BadRequestError("This page link is damaged. Start again from the first page.") from error
