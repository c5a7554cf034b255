"""How long bundles are kept.

`app.queries.retention` says the same as `expires` in SQL; a test compares the two.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from app.domain.errors import InvalidInputError


class RetentionSince(StrEnum):
    """What the days of a retention are counted from."""

    RECEIVED = "received"
    DOWNLOADED = "downloaded"  # for the last time; from receiving, where nobody has
    CLOSED = "closed"  # the case; an open case keeps its bundles, and from receiving, where there is none


@dataclass(frozen=True, slots=True)
class Policy:
    """How long the bundles of an organisation, or of a case, are kept. ``days`` None: until deleted."""

    days: int | None
    since: RetentionSince = RetentionSince.RECEIVED


#: The word that a bundle is deleted soon comes so long before, or half of the time it is kept before.
WARNED_BEFORE: Final = timedelta(days=7)

#: Nothing is deleted sooner after that word, whenever its day was: a policy may change, the portal be away.
LEAST_WARNING: Final = timedelta(hours=12)

#: The farthest that somebody may ask for, from now.
MOST_KEPT: Final = timedelta(days=3660)

#: What stands in the place of a deleted bundle's file name.
NAMELESS: Final = "Deleted bundle"


def expires(
    received: datetime,
    downloaded: datetime | None,
    closed: datetime | None,
    days: int | None,
    since: RetentionSince,
    kept_until: datetime | None,
    *,
    in_case: bool,
) -> datetime | None:
    """Return when a bundle is to be deleted; None: not by itself.

    ``downloaded`` is the last time, ``closed`` when its case was, ``in_case`` whether it has one. What came
    into a closed case is counted from its coming. ``kept_until`` is a minimum that somebody asked for.
    """
    if days is None or (since is RetentionSince.CLOSED and in_case and closed is None):
        return None
    base = received
    if since is RetentionSince.DOWNLOADED:
        base = downloaded or received
    elif since is RetentionSince.CLOSED and in_case and closed is not None:
        base = max(closed, received)
    return max(filter(None, (base + timedelta(days=days), kept_until)))


def warned_before(days: int) -> timedelta:
    """Return how long before the end people are told of it."""
    return min(WARNED_BEFORE, timedelta(days=days) / 2)


def clean_since(raw: str | None) -> RetentionSince:
    """Return from when days are counted. Raises InvalidInputError."""
    try:
        return RetentionSince(raw or RetentionSince.RECEIVED)
    except ValueError as error:
        raise InvalidInputError("Choose what the days are counted from.") from error
