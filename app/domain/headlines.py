"""What happened, in one line: for notices, the digest and channels. Made of the payload alone."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from app.domain.events import Event

_LONGEST: Final = 120  # characters of anything that somebody typed

#: Sentences with the names that `_facts` gives. Told to staff, and where nothing else is said, to customers.
_STAFF: Final[dict[Event, str]] = {
    Event.UPLOAD_STARTED: "{sender} began to send {file}{case}",
    Event.UPLOAD_RECEIVED: "{file} has arrived{case}",
    Event.UPLOAD_EXPIRING: "{file} is not finished, and is given up soon{case}",
    Event.UPLOAD_REJECTED: "{file} was not accepted{why}{case}",
    Event.UPLOAD_CLEAN: "{file} is ready{case}",
    Event.UPLOAD_INFECTED: "Virus found in {file}{case}",
    Event.UPLOAD_UNSCANNABLE: "{file} needs review{why}{case}",
    Event.UPLOAD_RELEASED: "{file} was released for download{case}",
    Event.UPLOAD_RECALLED: "Virus found later in {file}{case}",
    Event.UPLOAD_INTEGRITY_FAILED: "The stored bytes of {file} changed{case}",
    Event.UPLOAD_DOWNLOADED: "{file} was downloaded for the first time{case}",
    Event.UPLOAD_ASSIGNED: "{file} was assigned to {assignee}{case}",
    Event.UPLOAD_DELETION_DUE: "{file} is deleted {on}{case}",
    Event.UPLOAD_DELETED: "{file} is gone{why}{case}",
    Event.TICKET_ISSUED: "You are asked for a diagnostics bundle{case}",
    Event.TICKET_USED: "A bundle came with your upload ticket{case}",
    Event.TICKET_EXPIRING: "Your upload ticket expires {on}{case}",
    Event.ACCOUNT_INVITED: "You are invited to Diagport",
    Event.ACCOUNT_RESET: "A new password was asked for",
    Event.ACCOUNT_CHANGED: "Your account was changed",
    Event.ACCOUNT_NEW_DEVICE: "Sign-in from a new device: {device}",
    Event.QUOTA_NEAR: "{organisation} has used {percent} of its storage",
    Event.GATE_CLOSED: "Virus check stopped{why}",
    Event.GATE_OPENED: "Virus check works again",
    Event.QUEUE_STUCK: "Work is piling up{in_queue}{why}",
    Event.CHANNEL_PAUSED: "Channel paused{named}{why}",
    Event.CHANNEL_TEST: "This is a test from Diagport{named}",
    Event.DIGEST: "What happened since yesterday",
}

#: To customers, where that is another thing to them than to support. None of these names any staff.
_CUSTOMERS: Final[dict[Event, str]] = {
    Event.UPLOAD_STARTED: "{file} is on its way{case}",
    Event.UPLOAD_CLEAN: "{file} was checked: no virus found{case}",
    Event.UPLOAD_UNSCANNABLE: "{file} could not be checked completely{case}",
    Event.UPLOAD_RELEASED: "Support has reviewed {file}, and can work with it{case}",
    Event.UPLOAD_DOWNLOADED: "Support has begun to work with {file}{case}",
    Event.UPLOAD_ASSIGNED: "Support looks after {file}{case}",
    Event.GATE_CLOSED: "Virus check stopped",
    Event.QUEUE_STUCK: "Bundles wait longer than usual",
    Event.CHANNEL_PAUSED: "Channel paused",
}


def headline(event: Event, payload: Mapping[str, Any], *, staff: bool) -> str:
    """Return what happened on one line, as plain text: escape it where it is shown.

    ``payload`` has the fields of `domain.payloads`; what is missing or empty is left out of the line.
    """
    words = _STAFF[event] if staff else _CUSTOMERS.get(event, _STAFF[event])
    return words.format_map(_facts(payload))


def _facts(payload: Mapping[str, Any]) -> dict[str, str]:
    def text(name: str) -> str:
        value = payload.get(name)
        line = " ".join(str(value).split()) if value is not None else ""
        return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"

    def led(by: str, name: str) -> str:
        return f"{by}{text(name)}" if text(name) else ""

    return {
        "file": text("filename") or (f"Bundle {text('id')[:8]}" if text("id") else "A bundle"),
        "sender": text("uploaded_by") or "Somebody",
        "assignee": text("assignee") or "somebody",
        "case": led(" · ", "case"),
        "why": led(": ", "reason").rstrip("."),
        "on": _day(text("expires_at")),
        "device": text("device") or "unknown",
        "organisation": text("organisation") or "An organisation",
        "percent": f"{text('percent')}%" if text("percent") else "most",
        "in_queue": led(" in ", "name"),
        "named": led(": ", "name"),
    }


def _day(moment: str) -> str:
    """Return "on 5 Dec 2026" (UTC) of an RFC 3339 moment; "soon" if it is none."""
    try:
        at = datetime.fromisoformat(moment).astimezone(UTC)
    except (ValueError, OverflowError):
        return "soon"
    return f"on {at.day} {at:%b %Y}"
