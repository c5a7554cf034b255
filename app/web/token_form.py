"""What every form that makes an API token has: how long it is good, and which one it makes."""

from contextlib import suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

from app.domain.errors import InvalidInputError

LASTS: Final = {"30": "30 days", "90": "90 days", "365": "1 year", "never": "Until it is revoked"}


def lasting(chosen: str | None) -> timedelta | None:
    """Return how long the token is to be good; None: until it is revoked.

    Raises:
        InvalidInputError: the form does not offer that.
    """
    if chosen not in LASTS:
        raise InvalidInputError("Choose how long the token is good.")
    return None if chosen == "never" else timedelta(days=int(chosen))


def id_of(sent: str | None) -> UUID | None:
    """Return the id that the form came with, so that a form sent twice makes one token; None: not ours."""
    with suppress(ValueError):
        return UUID(sent or "")
    return None
