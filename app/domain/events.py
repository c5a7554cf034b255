"""What is worth telling somebody, who should hear of it, and what nobody can do without."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.domain.policy import Role


class Event(StrEnum):
    UPLOAD_STARTED = "upload.started"  # a big one is on its way: shown in the portal, mailed to nobody
    UPLOAD_RECEIVED = "upload.received"
    UPLOAD_EXPIRING = "upload.expiring"  # begun, not finished, and soon given up
    UPLOAD_REJECTED = "upload.rejected"
    UPLOAD_CLEAN = "upload.clean"
    UPLOAD_INFECTED = "upload.infected"
    UPLOAD_UNSCANNABLE = "upload.unscannable"
    UPLOAD_RELEASED = "upload.released"
    UPLOAD_RECALLED = "upload.recalled"  # was clean, and newer signatures found something
    UPLOAD_INTEGRITY_FAILED = "upload.integrity_failed"
    UPLOAD_DOWNLOADED = "upload.downloaded"  # for the first time
    UPLOAD_ASSIGNED = "upload.assigned"
    UPLOAD_DELETION_DUE = "upload.deletion_due"  # kept as long as was agreed, and soon deleted
    UPLOAD_DELETED = "upload.deleted"
    TICKET_ISSUED = "ticket.issued"
    TICKET_USED = "ticket.used"
    TICKET_EXPIRING = "ticket.expiring"
    ACCOUNT_INVITED = "account.invited"
    ACCOUNT_RESET = "account.reset"  # asked for a new password
    ACCOUNT_CHANGED = "account.changed"  # password, factor or role: its owner should know
    ACCOUNT_NEW_DEVICE = "account.new_device"  # signed in from one that was never seen
    QUOTA_NEAR = "quota.near"
    GATE_CLOSED = "gate.closed"
    GATE_OPENED = "gate.opened"
    QUEUE_STUCK = "queue.stuck"
    CHANNEL_PAUSED = "channel.paused"  # it fails, or its address is gone
    CHANNEL_TEST = "channel.test"
    DIGEST = "digest"  # what somebody chose to read once a day


@dataclass(frozen=True, slots=True)
class Audience:
    """Who may hear of an event, each as their subscriptions say.

    Every active account with one of ``roles``; who sent the bundle, by account or ticket; the
    ``managers`` of the organisation; the ``assignee``. Who watches the case hears of every
    event of its bundles that somebody of their kind may hear of.
    """

    roles: frozenset[Role] = frozenset()
    uploader: bool = False
    managers: bool = False
    assignee: bool = False


_STAFF: Final = frozenset({Role.ENGINEER, Role.ADMIN})
_ENGINEERS: Final = frozenset({Role.ENGINEER})
_ADMINS: Final = frozenset({Role.ADMIN})

AUDIENCE: Final[dict[Event, Audience]] = {
    Event.UPLOAD_STARTED: Audience(_ENGINEERS),
    Event.UPLOAD_RECEIVED: Audience(uploader=True),
    Event.UPLOAD_EXPIRING: Audience(uploader=True),
    Event.UPLOAD_REJECTED: Audience(uploader=True),
    Event.UPLOAD_CLEAN: Audience(_ENGINEERS, uploader=True, assignee=True),
    Event.UPLOAD_INFECTED: Audience(_ENGINEERS, uploader=True, assignee=True),
    Event.UPLOAD_UNSCANNABLE: Audience(_ENGINEERS, uploader=True, assignee=True),
    Event.UPLOAD_RELEASED: Audience(_ENGINEERS, assignee=True),
    Event.UPLOAD_RECALLED: Audience(_STAFF, uploader=True),
    Event.UPLOAD_INTEGRITY_FAILED: Audience(_STAFF),
    Event.UPLOAD_DOWNLOADED: Audience(uploader=True),
    Event.UPLOAD_ASSIGNED: Audience(assignee=True),
    Event.UPLOAD_DELETION_DUE: Audience(uploader=True, assignee=True),
    Event.UPLOAD_DELETED: Audience(uploader=True, assignee=True),
    Event.TICKET_ISSUED: Audience(),  # to the address that was given
    Event.TICKET_USED: Audience(),  # to whoever made the ticket
    Event.TICKET_EXPIRING: Audience(),  # the same
    Event.ACCOUNT_INVITED: Audience(),  # these to the account itself
    Event.ACCOUNT_RESET: Audience(),
    Event.ACCOUNT_CHANGED: Audience(),
    Event.ACCOUNT_NEW_DEVICE: Audience(),
    Event.QUOTA_NEAR: Audience(_ADMINS, managers=True),
    Event.GATE_CLOSED: Audience(_ADMINS),
    Event.GATE_OPENED: Audience(_ADMINS),
    Event.QUEUE_STUCK: Audience(_ADMINS),
    Event.CHANNEL_PAUSED: Audience(_ADMINS),
    Event.CHANNEL_TEST: Audience(),
    Event.DIGEST: Audience(),
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
        Event.ACCOUNT_NEW_DEVICE,
        Event.GATE_CLOSED,
        Event.QUEUE_STUCK,
        Event.CHANNEL_PAUSED,
    }
)

#: Events of a bundle before its verdict; besides "received", nobody outside the portal hears of them.
BEFORE_VERDICT: Final = frozenset({Event.UPLOAD_STARTED})

#: What a channel of an organisation, or of all, may be told: nothing that is about one person alone.
FOR_CHANNELS: Final = tuple(
    event
    for event in Event
    if not event.startswith(("account.", "channel."))
    and event not in {Event.TICKET_ISSUED, Event.DIGEST, *BEFORE_VERDICT}
)


def heard_by(role: Role, *, manager: bool = False) -> list[Event]:
    """Return of what somebody in ``role`` may hear, besides what is about their own account.

    Only customers send bundles, and hear what becomes of them; only staff makes tickets and is assigned.
    """
    staff = role in _STAFF
    return [
        event
        for event, audience in AUDIENCE.items()
        if role in audience.roles
        or (not staff and (audience.uploader or (manager and audience.managers)))
        or (staff and (audience.assignee or event in {Event.TICKET_USED, Event.TICKET_EXPIRING}))
    ]


def choices_of(role: Role, *, manager: bool = False) -> list[Event]:
    """Return the events of `heard_by` that somebody may choose how to hear of."""
    return [event for event in heard_by(role, manager=manager) if event not in MANDATORY]
