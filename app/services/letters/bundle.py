"""The mails about a bundle."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy.orm import object_session

from app.domain.events import MANDATORY, Event
from app.domain.letter import Block, Command, Facts, Letter, Link, Words, moment
from app.domain.policy import STAFF
from app.domain.receipt import checksum_line
from app.domain.tombstones import bare_reason
from app.domain.verdict import Obstacle
from app.models import Upload
from app.queries import cases
from app.queries.terms import term_of
from app.services.letters.bundle_words import SEND_AGAIN, WAIT_FOR_SUPPORT, Opening, opening
from app.services.letters.occasion import Occasion

#: Whose mails tell customers until when their bundle is kept: those of what has come, and stays for a while.
_KEPT: Final = frozenset(
    {
        Event.UPLOAD_RECEIVED,
        Event.UPLOAD_CLEAN,
        Event.UPLOAD_INFECTED,
        Event.UPLOAD_UNSCANNABLE,
        Event.UPLOAD_RELEASED,
    }
)

#: What is in the way of a check though nothing is wrong with the bundle: its sender can only wait.
_OURS: Final = frozenset(
    {None, Obstacle.SCANNER_ERROR, Obstacle.SCANNER_CRASH, Obstacle.NOT_COVERED, Obstacle.TOO_SLOW}
)

_MAX_FOUND = 20  # of the findings; the page has all

#: Whose mails say what the check came to.
_VERDICTS: Final = frozenset(
    {
        Event.UPLOAD_CLEAN,
        Event.UPLOAD_INFECTED,
        Event.UPLOAD_UNSCANNABLE,
        Event.UPLOAD_RECALLED,
        Event.UPLOAD_INTEGRITY_FAILED,
    }
)

#: Whose mails come before the bundle is whole, or of what never was.
_UNFINISHED: Final = frozenset({Event.UPLOAD_STARTED, Event.UPLOAD_EXPIRING, Event.UPLOAD_REJECTED})


def write(occasion: Occasion, upload: Upload) -> Letter:
    """Write the mail about one event of an upload."""
    begun = opening(occasion.event, staff=occasion.for_staff)
    case = upload.case_of_sender if occasion.for_ticket else upload.case_reference
    # A tombstone has no name any more.
    name = f"bundle {str(upload.id)[:8]}" if occasion.event is Event.UPLOAD_DELETED else upload.filename
    news = [("Case", case or "no case"), ("File", name), *_news(occasion, upload)]
    return Letter(
        subject=f"[{case or 'no case'}] {begun.title}: {name}",
        title=begun.title,
        about=name,
        case=case,
        tone=begun.tone,
        blocks=(
            Words(_words(occasion, upload, begun)),
            Facts(tuple(news)),
            *_page(occasion, upload),
            Facts(tuple(_details(occasion, upload))),
            *_compare(occasion, upload),
        ),
        why=_why(occasion, upload),
        notices=occasion.notices,
    )


def _why(occasion: Occasion, upload: Upload) -> str:
    """Say why its reader gets it, as well as that is known."""
    reader = occasion.delivery.account_id
    if reader is not None and occasion.event not in MANDATORY:
        if reader == upload.uploader_id:
            return "You get this because you sent this bundle."
        if reader == upload.assignee_id:
            return "You get this because this bundle is assigned to you."
        if not occasion.for_staff:
            return "You get this because you watch its case."
    return occasion.why


def _words(occasion: Occasion, upload: Upload, begun: Opening) -> str:
    """Say what it is about: staff knows each other by name."""
    if begun.words == WAIT_FOR_SUPPORT and upload.obstacle not in _OURS:
        return SEND_AGAIN
    if occasion.event is not Event.UPLOAD_ASSIGNED or not occasion.for_staff:
        return begun.words
    by = occasion.told.get("by") or "Somebody"
    mine = occasion.delivery.account_id is not None and occasion.delivery.account_id == upload.assignee_id
    other = upload.assignee.name or upload.assignee.email if upload.assignee else "somebody"
    return f"{by} has assigned a diagnostics bundle to {'you' if mine else other}."


def _news(occasion: Occasion, upload: Upload) -> Iterator[tuple[str, str]]:
    """Say what is new with it, and why."""
    event, told = occasion.event, occasion.told
    if event is Event.UPLOAD_DELETED:
        yield from _receipt(occasion, upload)
    elif upload.reason and (event in _VERDICTS or event is Event.UPLOAD_REJECTED):
        yield "Why", upload.reason
    if event in _VERDICTS and upload.scan:
        for found in upload.scan.findings[:_MAX_FOUND]:
            yield "Found", f"{found['signature']} in {found['member']}"
    if event is Event.UPLOAD_EXPIRING:
        yield "Kept until", moment(told["until"])
    if event is Event.UPLOAD_DELETION_DUE:
        until = told.get("until") or upload.expires_at
        yield "Deleted on", moment(until) if until else "an early day"
    if occasion.for_staff:
        yield from _among_staff(occasion, upload)


def _among_staff(occasion: Occasion, upload: Upload) -> Iterator[tuple[str, str]]:
    """Say who of the staff has done what: nobody else hears that."""
    event, told = occasion.event, occasion.told
    if event is Event.UPLOAD_RELEASED and upload.released_by:
        yield "Released by", upload.released_by
        yield "Because", upload.release_reason or "no reason was given"
    if event is Event.UPLOAD_ASSIGNED and told.get("note"):
        yield "Note", told["note"]
    if "downloaded_by" in told:
        for who in told["downloaded_by"] or ["nobody"]:
            yield "Downloaded by", who


def _details(occasion: Occasion, upload: Upload) -> Iterator[tuple[str, str]]:
    """Say how much came, what it is, and whose."""
    if occasion.event in _UNFINISHED:
        whole = f" of {upload.declared_bytes:,}" if upload.declared_bytes is not None else ""
        yield "Arrived", f"{upload.received_bytes:,}{whole} bytes"
    else:
        if upload.size is not None:
            yield "Size", f"{upload.size:,} bytes"
        yield "SHA-256", upload.sha256 or "is being computed"
        if upload.sealed_at:
            yield "Arrived", moment(upload.sealed_at)
    if occasion.event in _KEPT and not occasion.for_staff:
        yield from _kept(upload)
    yield "Number", str(upload.id)
    yield "Organisation", upload.organisation.name
    by_staff = upload.uploader is not None and upload.uploader.role in STAFF
    yield "Sent by", "support" if by_staff and not occasion.for_staff else upload.sender


def _kept(upload: Upload) -> Iterator[tuple[str, str]]:
    """Say until when it is kept, where that is not until somebody deletes it."""
    session = object_session(upload)
    term = term_of(upload, cases.of_upload(session, upload) if session else None)
    if term.held:
        yield "Kept until", "further notice"
    elif term.after_closing is not None:
        days = "1 day" if term.after_closing == 1 else f"{term.after_closing:,} days"
        yield "Kept until", f"{days} after the case is closed"
    elif term.until:
        yield "Kept until", moment(term.until)


def _receipt(occasion: Occasion, upload: Upload) -> Iterator[tuple[str, str]]:
    """Say when, why and by whom it was deleted, as was written down then (`payloads.TombstoneFacts`)."""
    stone = occasion.payload
    yield "Deleted", moment(stone["deleted_at"])
    yield "Deleted by", (occasion.for_staff and upload.deleted_by) or stone["deleted_by"]
    if why := bare_reason(stone["reason"]):
        yield "Why", why


def _compare(occasion: Occasion, upload: Upload) -> Iterator[Block]:
    """Let the sender of what has arrived compare it with what they have."""
    if occasion.event is Event.UPLOAD_RECEIVED and upload.sha256 and not occasion.for_staff:
        lead = "To compare it with your own copy, run this where that lies"
        yield Command(lead, checksum_line(upload.sha256, upload.filename))


def _page(occasion: Occasion, upload: Upload) -> Iterator[Block]:
    if not occasion.for_ticket:
        label = "See what is left" if occasion.event is Event.UPLOAD_DELETED else "Open the bundle"
        yield Link(label, f"{occasion.base_url}/files/{upload.id}")
