"""Upload tickets: how much they may allow, and whether one is still good."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.domain import naming
from app.domain.errors import InvalidInputError
from app.domain.networks import clean_networks

DAYS, MAX_DAYS = 7, 90
UPLOADS, MAX_UPLOADS = 10, 1000
MAX_BYTES: Final = 10**15
MAX_NETWORKS = 20


class TicketState(StrEnum):
    """What a ticket is good for; of several the first that is so."""

    REVOKED = "revoked"
    CLOSED = "closed"  # its case is
    SUSPENDED = "suspended"  # its organisation is
    EXPIRED = "expired"
    USED_UP = "used_up"
    GOOD = "good"


#: The states that end everything at once; in the others what was begun may be finished.
DEAD: Final = frozenset({TicketState.REVOKED, TicketState.CLOSED, TicketState.SUSPENDED})

#: What is said to whoever has the ticket.
WHY: Final[dict[TicketState, str]] = {
    TicketState.REVOKED: "This ticket was withdrawn. Ask support for a new one.",
    TicketState.CLOSED: "The case of this ticket is closed. Ask support for a new ticket.",
    TicketState.SUSPENDED: "Nothing can be sent for this organisation at the moment. Ask support about it.",
    TicketState.EXPIRED: "This ticket has expired. Ask support to extend it, or for a new one.",
    TicketState.USED_UP: "This ticket is used up. Ask support to let it take more, or for a new one.",
}


def state_of(*, revoked: bool, closed: bool, suspended: bool, expired: bool, used_up: bool) -> TicketState:
    """Return which state these five facts make."""
    facts = {
        TicketState.REVOKED: revoked,
        TicketState.CLOSED: closed,
        TicketState.SUSPENDED: suspended,
        TicketState.EXPIRED: expired,
        TicketState.USED_UP: used_up,
    }
    return next((state for state, so in facts.items() if so), TicketState.GOOD)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a new ticket is to allow, checked. ``size`` bytes in all, None for no limit of its own."""

    days: int = DAYS
    uploads: int = UPLOADS
    size: int | None = None
    networks: tuple[str, ...] = ()  # CIDR; empty: from everywhere
    recipient: str | None = None  # mail address


def clean_terms(
    days: int | None,
    uploads: int | None,
    size: int | None,
    networks: Iterable[str],
    recipient: str | None,
) -> Terms:
    """Return what somebody asks a ticket to allow; None is what a ticket allows if nobody says.

    Raises:
        InvalidInputError: it is more than any ticket does, or not a network, or not a mail address.
    """
    if size is not None and not 1 <= size <= MAX_BYTES:
        raise InvalidInputError("How much may be sent is at least one byte. Leave it out for no limit.")
    return Terms(
        days=clean_days(DAYS if days is None else days),
        uploads=clean_uploads(UPLOADS if uploads is None else uploads),
        size=size,
        networks=clean_networks(networks, MAX_NETWORKS),
        recipient=naming.clean_email(recipient) if recipient and recipient.strip() else None,
    )


def clean_days(days: int) -> int:
    """Return how long a ticket is good from now. Raises InvalidInputError."""
    if not 1 <= days <= MAX_DAYS:
        raise InvalidInputError(f"A ticket is good for 1 to {MAX_DAYS} days.")
    return days


def clean_uploads(uploads: int) -> int:
    """Return how many uploads a ticket allows in all. Raises InvalidInputError."""
    if not 1 <= uploads <= MAX_UPLOADS:
        raise InvalidInputError(f"A ticket allows 1 to {MAX_UPLOADS:,} uploads in all.")
    return uploads
