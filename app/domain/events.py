"""What is worth telling somebody, and the words for it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.domain.policy import Role


class Event(StrEnum):
    UPLOAD_RECEIVED = "upload.received"
    UPLOAD_EXPIRING = "upload.expiring"  # begun, not finished, and soon given up
    UPLOAD_CLEAN = "upload.clean"
    UPLOAD_INFECTED = "upload.infected"
    UPLOAD_UNSCANNABLE = "upload.unscannable"
    UPLOAD_RECALLED = "upload.recalled"  # was clean, and newer signatures found something
    UPLOAD_INTEGRITY_FAILED = "upload.integrity_failed"
    TICKET_ISSUED = "ticket.issued"
    ACCOUNT_INVITED = "account.invited"
    ACCOUNT_RESET = "account.reset"  # asked for a new password
    ACCOUNT_CHANGED = "account.changed"  # password, factor or role: its owner should know
    GATE_CLOSED = "gate.closed"
    GATE_OPENED = "gate.opened"


@dataclass(frozen=True, slots=True)
class Audience:
    """Who hears of an event: every active account with one of ``roles``, and maybe the sender."""

    roles: frozenset[Role]
    uploader: bool


AUDIENCE: Final[dict[Event, Audience]] = {
    Event.UPLOAD_RECEIVED: Audience(roles=frozenset(), uploader=True),
    Event.UPLOAD_EXPIRING: Audience(roles=frozenset(), uploader=True),
    Event.UPLOAD_CLEAN: Audience(roles=frozenset({Role.ENGINEER}), uploader=True),
    Event.UPLOAD_INFECTED: Audience(roles=frozenset({Role.ENGINEER}), uploader=True),
    Event.UPLOAD_UNSCANNABLE: Audience(roles=frozenset({Role.ENGINEER}), uploader=True),
    Event.UPLOAD_RECALLED: Audience(roles=frozenset({Role.ENGINEER, Role.ADMIN}), uploader=True),
    Event.UPLOAD_INTEGRITY_FAILED: Audience(roles=frozenset({Role.ENGINEER, Role.ADMIN}), uploader=False),
    Event.TICKET_ISSUED: Audience(roles=frozenset(), uploader=False),  # to the address that was given
    Event.ACCOUNT_INVITED: Audience(roles=frozenset(), uploader=False),  # these three to the account itself
    Event.ACCOUNT_RESET: Audience(roles=frozenset(), uploader=False),
    Event.ACCOUNT_CHANGED: Audience(roles=frozenset(), uploader=False),
    Event.GATE_CLOSED: Audience(roles=frozenset({Role.ADMIN}), uploader=False),
    Event.GATE_OPENED: Audience(roles=frozenset({Role.ADMIN}), uploader=False),
}

#: What nobody can do without: what is wrong with the own account, or with what one has already fetched.
MANDATORY: Final = frozenset(
    {
        Event.UPLOAD_RECALLED,
        Event.UPLOAD_INTEGRITY_FAILED,
        Event.TICKET_ISSUED,
        Event.ACCOUNT_INVITED,
        Event.ACCOUNT_RESET,
        Event.ACCOUNT_CHANGED,
        Event.GATE_CLOSED,
    }
)


def heard_by(role: Role) -> list[Event]:
    """Return of what somebody in ``role`` may hear by mail, besides what is about their own account.

    Only customers send bundles, and hear what becomes of them.
    """
    return [
        event
        for event, audience in AUDIENCE.items()
        if role in audience.roles or (role is Role.CUSTOMER and audience.uploader)
    ]


def choices_of(role: Role) -> list[Event]:
    """Return the events of `heard_by` that somebody in ``role`` may do without."""
    return [event for event in heard_by(role) if event not in MANDATORY]
