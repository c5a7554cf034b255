"""The words of the mails."""

from app.domain.events import Event
from app.domain.policy import STAFF
from app.models import Delivery, Upload
from app.ports import Message

_UPLOAD = {
    Event.UPLOAD_RECEIVED: (
        "Received",
        "Your diagnostics bundle has arrived whole. It is checked for viruses now, and then support has it.",
    ),
    Event.UPLOAD_EXPIRING: (
        "Not finished",
        (
            "You began to send a diagnostics bundle and have not finished. What has arrived of it is kept "
            "for one more day. Go on with it, or cancel it."
        ),
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


def compose(delivery: Delivery, upload: Upload | None, base_url: str) -> Message:
    """Write the mail. ``base_url`` is the configured one, never what a request said."""
    subject, lines = _about_upload(delivery, upload, base_url) if upload else _about_gate(delivery, base_url)
    return Message(key=delivery.dedupe_key, to=delivery.recipient, subject=subject, text="\n".join(lines))


def _about_upload(delivery: Delivery, upload: Upload, base_url: str) -> tuple[str, list[str]]:
    case = upload.case_reference or "no case"
    title, opening = _UPLOAD[delivery.event]
    return f"[{case}] {title}: {upload.filename}", [
        opening,
        "",
        f"Case:          {case}",
        f"File:          {upload.filename}",
        f"Size:          {upload.size:,} bytes",
        f"SHA-256:       {upload.sha256}",
        f"Organisation:  {upload.organisation.name}",
        f"Sent by:       {upload.sender}",
        *([f"Why:           {upload.reason}"] if upload.reason else []),
        *(f"Found:         {found['signature']} in {found['member']}" for found in _findings(upload)),
        *_downloads(delivery, upload),
        "",
        f"{base_url}/files/{upload.id}",
        "",
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


def _findings(upload: Upload) -> list[dict[str, str]]:
    return upload.scan.findings[:20] if upload.scan else []


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
