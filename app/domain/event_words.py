"""The events in sentences, for choosing which of them one hears of."""

from typing import Final

from app.domain.events import Event

#: As staff should read it.
_STAFF: Final[dict[Event, str]] = {
    Event.UPLOAD_STARTED: "A large bundle is on its way.",
    Event.UPLOAD_CLEAN: "A bundle was checked, and is ready to download.",
    Event.UPLOAD_INFECTED: "A virus was found in a bundle.",
    Event.UPLOAD_UNSCANNABLE: "A bundle could not be checked completely, and needs review.",
    Event.UPLOAD_RELEASED: "A bundle was released after review.",
    Event.UPLOAD_RECALLED: "A virus was found later in a bundle that was ready.",
    Event.UPLOAD_INTEGRITY_FAILED: "The stored bytes of a bundle have changed.",
    Event.UPLOAD_ASSIGNED: "A bundle was assigned to you.",
    Event.UPLOAD_DELETION_DUE: "A bundle that is assigned to you is soon deleted.",
    Event.UPLOAD_DELETED: "A bundle that is assigned to you was deleted.",
    Event.TICKET_USED: "A bundle came with an upload ticket of yours.",
    Event.TICKET_EXPIRING: "An upload ticket of yours expires soon.",
    Event.QUOTA_NEAR: "An organisation has used nearly all of its storage.",
    Event.GATE_CLOSED: "The virus check has stopped.",
    Event.GATE_OPENED: "The virus check works again.",
    Event.QUEUE_STUCK: "Work is piling up.",
    Event.CHANNEL_PAUSED: "A channel was paused, because it fails or its address is gone.",
    Event.DIGEST: "What you chose to read once a day.",
}

_CUSTOMERS: Final[dict[Event, str]] = {
    Event.UPLOAD_RECEIVED: "A bundle of yours has arrived whole.",
    Event.UPLOAD_EXPIRING: "An upload of yours is not finished, and is soon given up.",
    Event.UPLOAD_REJECTED: "Something that you sent was not accepted.",
    Event.UPLOAD_CLEAN: "No virus was found in a bundle of yours, and support has it.",
    Event.UPLOAD_INFECTED: "A virus was found in a bundle of yours.",
    Event.UPLOAD_UNSCANNABLE: "A bundle of yours could not be checked completely.",
    Event.UPLOAD_RECALLED: "A virus was found later in a bundle of yours that was ready.",
    Event.UPLOAD_DOWNLOADED: "Support has begun to work with a bundle of yours.",
    Event.UPLOAD_DELETION_DUE: "A bundle of yours is soon deleted.",
    Event.UPLOAD_DELETED: "A bundle of yours was deleted.",
    Event.QUOTA_NEAR: "Your organisation has used nearly all of its storage.",
    Event.DIGEST: "What you chose to read once a day.",
}


def sentence(event: Event, *, staff: bool) -> str:
    """Return when one hears of ``event``, if that is one of `events.heard_by`.

    Who has changed sides since a mail was written reads of it as it was meant for the other one.
    """
    own, other = (_STAFF, _CUSTOMERS) if staff else (_CUSTOMERS, _STAFF)
    return own.get(event) or other[event]
