"""The words of the mails."""

from datetime import datetime
from typing import Final

from app.domain.events import Event
from app.domain.policy import STAFF
from app.domain.receipt import checksum_line
from app.models import Delivery, Upload
from app.ports import Message
from app.services import account_letter, ticket_letter

_Words = tuple[str, str]  # title, opening

_UPLOAD: Final[dict[Event, _Words]] = {
    Event.UPLOAD_RECEIVED: (
        "Received",
        (
            "Your diagnostics bundle has arrived whole. It is checked for viruses next, and another mail "
            "says how that went."
        ),
    ),
    Event.UPLOAD_EXPIRING: (
        "Not finished",
        "You began to send a diagnostics bundle and have not finished. Go on with it, or cancel it.",
    ),
    Event.UPLOAD_CLEAN: (
        "Ready",
        "A diagnostics bundle has arrived and was scanned. It is ready to download.",
    ),
    Event.UPLOAD_INFECTED: (
        "Virus found",
        "A diagnostics bundle was stopped: the scanner found a virus in it. Nobody can download it.",
    ),
    Event.UPLOAD_UNSCANNABLE: (
        "Needs review",
        (
            "A diagnostics bundle could not be checked completely. Nobody can download it before an engineer "
            "has looked at it."
        ),
    ),
    Event.UPLOAD_RECALLED: (
        "Virus found later",
        (
            "Newer signatures found a virus in a diagnostics bundle that was ready before. Nobody can "
            "download it any more. Whoever has it should delete it."
        ),
    ),
    Event.UPLOAD_INTEGRITY_FAILED: (
        "Stored bytes changed",
        (
            "The stored bytes of a diagnostics bundle are not those that were received. Nobody can download "
            "it. Somebody or something has written to the storage: find out who."
        ),
    ),
}

#: The same told to whoever sent the bundle, where that is another thing to them than to support.
_SENDER: Final[dict[Event, _Words]] = {
    Event.UPLOAD_CLEAN: (
        "Checked",
        "Your diagnostics bundle was checked. No virus was found, and support has it now.",
    ),
    Event.UPLOAD_INFECTED: (
        "Virus found",
        (
            "The scanner found a virus in your diagnostics bundle, so support does not get it. Remove the "
            "files that are named here, pack the bundle again, and send it anew."
        ),
    ),
    Event.UPLOAD_UNSCANNABLE: (
        "Needs review",
        (
            "Your diagnostics bundle could not be checked completely. Support looks at it before anybody "
            "opens it."
        ),
    ),
    Event.UPLOAD_RECALLED: (
        "Virus found later",
        (
            "Newer signatures found a virus in a diagnostics bundle that you sent. Nobody can open it any "
            "more. Look at the machine that it comes from."
        ),
    ),
}

#: Whose mails say what the check came to.
_VERDICTS: Final = frozenset(_UPLOAD) - {Event.UPLOAD_RECEIVED, Event.UPLOAD_EXPIRING}

_ACCOUNT: Final = frozenset({Event.ACCOUNT_INVITED, Event.ACCOUNT_RESET, Event.ACCOUNT_CHANGED})


def compose(delivery: Delivery, upload: Upload | None, base_url: str, code: str | None = None) -> Message:
    """Write the mail. ``base_url`` is the configured one, never what a request said.

    ``code`` is the ticket's, or the link's, of a mail that brings one.
    """
    if delivery.event is Event.TICKET_ISSUED:
        subject, lines = ticket_letter.words(delivery.told | {"code": code}, base_url)
    elif delivery.event in _ACCOUNT:
        subject, lines = account_letter.words(delivery.event, delivery.told | {"code": code}, base_url)
    elif upload:
        subject, lines = _about_upload(delivery, upload, base_url)
    else:
        subject, lines = _about_gate(delivery, base_url)
    return Message(key=delivery.dedupe_key, to=delivery.recipient, subject=subject, text="\n".join(lines))


def _about_upload(delivery: Delivery, upload: Upload, base_url: str) -> tuple[str, list[str]]:
    of_sender = is_of_sender(delivery, upload)
    case = (upload.case_of_sender if of_sender else upload.case_reference) or "no case"
    title, opening = (of_sender and _SENDER.get(delivery.event)) or _UPLOAD[delivery.event]
    judged = delivery.event in _VERDICTS
    return f"[{case}] {title}: {upload.filename}", [
        opening,
        "",
        f"Case:          {case}",
        f"File:          {upload.filename}",
        *_arrived(delivery, upload),
        f"Number:        {upload.id}",
        f"Organisation:  {upload.organisation.name}",
        f"Sent by:       {upload.sender}",
        *([f"Why:           {upload.reason}"] if judged and upload.reason else []),
        *(_found(upload) if judged else []),
        *_downloads(delivery, upload),
        *_compare(delivery, upload),
        "",
        # Without an account there is no page of it: the ticket's own, whose address we do not know.
        *([] if of_sender and upload.ticket_id else [f"{base_url}/files/{upload.id}", ""]),
    ]


def _arrived(delivery: Delivery, upload: Upload) -> list[str]:
    """Say how much came, and what it is; or, of what is not complete, how long it is kept."""
    if delivery.event is Event.UPLOAD_EXPIRING:
        whole = f" of {upload.declared_bytes:,}" if upload.declared_bytes is not None else ""
        return [
            f"Arrived:       {upload.received_bytes:,}{whole} bytes",
            f"Kept until:    {_when(datetime.fromisoformat(delivery.told['until']))}",
        ]
    return [
        f"Size:          {upload.size:,} bytes",
        f"SHA-256:       {upload.sha256 or 'is being computed'}",
        *([f"Arrived:       {_when(upload.sealed_at)}"] if upload.sealed_at else []),
    ]


def _when(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC"


def _compare(delivery: Delivery, upload: Upload) -> list[str]:
    """Let the sender of what has arrived compare it with what they have."""
    if delivery.event is not Event.UPLOAD_RECEIVED or upload.sha256 is None:
        return []
    return [
        "",
        "To compare it with your own copy, run this where that lies:",
        "",
        checksum_line(upload.sha256, upload.filename),
    ]


def _downloads(delivery: Delivery, upload: Upload) -> list[str]:
    """Name who has it already to those who must act; a customer learns nobody's name."""
    if "downloaded_by" not in delivery.told:
        return []
    if is_of_sender(delivery, upload):
        return []
    return [f"Downloaded by: {who}" for who in delivery.told["downloaded_by"] or ["nobody"]]


def is_of_sender(delivery: Delivery, upload: Upload) -> bool:
    """Whether it goes to the customer who sent the bundle, by account or by ticket."""
    if upload.uploader and upload.uploader.role in STAFF:
        return False
    of_ticket = upload.ticket.recipient if upload.ticket else None
    address = upload.uploader.email if upload.uploader else of_ticket
    return address is not None and delivery.recipient.lower() == address.lower()


def _found(upload: Upload) -> list[str]:
    findings = upload.scan.findings[:20] if upload.scan else []
    return [f"Found:         {found['signature']} in {found['member']}" for found in findings]


_GATE = {
    Event.GATE_OPENED: (
        "Virus check works again",
        "The scanner has passed its tests again. What waited is checked now, the longest waiting first.",
    ),
    Event.GATE_CLOSED: (
        "Virus check stopped",
        (
            "The virus check is stopped, because the scanner cannot be relied on. Bundles still arrive, and "
            "wait. Nothing becomes ready until the scanner passes its tests. It is tested again several "
            "times a minute."
        ),
    ),
}


def _about_gate(delivery: Delivery, base_url: str) -> tuple[str, list[str]]:
    title, opening = _GATE[delivery.event]
    reason = delivery.told.get("reason")
    return title, [opening, *(["", f"Why: {reason}"] if reason else []), "", f"{base_url}/", ""]
