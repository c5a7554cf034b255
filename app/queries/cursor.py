"""Places in a list that is ordered by time, as the text that an address carries (keyset paging)."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.domain.errors import BadRequestError


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a list: right after the row with these values."""

    created_at: datetime
    id: UUID


def encode(created_at: datetime, row_id: UUID) -> str:
    """Return the place right after a row as text."""
    return base64.urlsafe_b64encode(f"{created_at.isoformat()} {row_id}".encode()).decode()


def decode(cursor: str) -> Position:
    """Return the place that a text names. Raises BadRequestError when it is not one of ours."""
    try:
        at, _, row_id = base64.urlsafe_b64decode(cursor.encode()).decode().partition(" ")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError(at)
        return Position(moment, UUID(row_id))
    except (ValueError, binascii.Error) as error:
        raise BadRequestError("This page link is damaged. Start again from the first page.") from error


def encode_name(name: str, row_id: UUID) -> str:
    """Return the place right after a row of a list that is ordered by names, as text."""
    return base64.urlsafe_b64encode(f"{row_id} {name}".encode()).decode()


def decode_name(cursor: str) -> tuple[str, UUID]:
    """Return the name and the id that a text says. Raises BadRequestError when it is not one of ours."""
    try:
        row_id, _, name = base64.urlsafe_b64decode(cursor.encode()).decode().partition(" ")
        return name, UUID(row_id)
    except (ValueError, binascii.Error) as error:
        raise BadRequestError("This page link is damaged. Start again from the first page.") from error
