"""Mails made of rows that no database has seen: of any event, for any reader, with any words in them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from app.domain.channels import ChannelKind
from app.domain.events import Event
from app.domain.lifecycle import UploadState
from app.domain.payloads import DeviceFacts, Payload, QuotaFacts, ServiceFacts, TicketFacts, as_json
from app.domain.policy import Role
from app.models import Account, Case, Channel, Delivery, EventRecord, Organisation, Scan, Ticket, Upload
from app.ports import Message
from app.services import facts, letters

BASE: Final = "https://upload.example.com"
NOW: Final = datetime(2026, 11, 21, 9, 5, tzinfo=UTC)
CASE_ID, UPLOAD_ID = UUID(int=1), UUID(int=2)
READERS: Final = ("engineer", "customer", "ticket", "channel", "channel of organisation")


@dataclass(frozen=True, kw_only=True)
class Typed:
    """What people typed, wherever it may come up in a mail. ``staff`` and ``why`` are of staff."""

    filename: str = "sosreport-db-03.tgz"
    case: str = "CS-4702"
    organisation: str = "Acme Industries"
    staff: str = "somebody-of-staff@diagport.example"
    why: str = "The customer and I have looked at it together."
    reason: str = "The archive ends early."
    member: str = "var/spool/mail/root"
    note: str = "Please look at the fail-over first."
    device: str = "Firefox on Linux"
    told: dict[str, Any] = field(default_factory=dict)


def make_mail(event: Event, reader: str = "customer", typed: Typed | None = None) -> Message:
    """Compose the mail of ``event`` for one of `READERS`."""
    typed = typed or Typed()
    upload = _upload(event, typed) if event.startswith("upload.") else None
    payload = _payload(event, typed, upload)
    record = EventRecord(
        event=event,
        version=1,
        payload=as_json(payload) if payload else {},
        upload_id=UPLOAD_ID if upload else None,
        case_id=CASE_ID if upload or event.startswith("ticket.") else None,
        created_at=NOW,
    )
    delivery = Delivery(
        event=event,
        recipient="reader@example.com",
        dedupe_key="0f" * 32,
        record=None if event in {Event.TICKET_ISSUED, Event.DIGEST} else record,
        upload_id=record.upload_id,
        account_id=UUID(int=3) if reader in {"engineer", "customer"} else None,
        told=_told(event, typed) | typed.told,
        **_reader(reader, typed),
    )
    return letters.compose(delivery, upload, BASE, code="C0DE-C0DE")


def _reader(reader: str, typed: Typed) -> dict[str, Any]:
    match reader:
        case "engineer" | "customer":
            return {
                "account": Account(id=UUID(int=3), role=Role(reader), email="reader@example.com", name="")
            }
        case "channel":
            return {"channel": Channel(name=typed.note, kind=ChannelKind.SLACK)}
        case "channel of organisation":
            return {"channel": Channel(name="Theirs", kind=ChannelKind.SLACK, organisation_id=UUID(int=4))}
        case _:
            return {}


def _upload(event: Event, typed: Typed) -> Upload:
    home = Organisation(id=UUID(int=4), slug="acme", name=typed.organisation)
    ticket = Ticket(hint="C0DE", case=Case(reference=typed.case, organisation=home), case_id=CASE_ID)
    return Upload(
        id=UPLOAD_ID,
        organisation=home,
        ticket=ticket,
        filename=typed.filename,
        case_reference=typed.case,
        declared_bytes=48_217_335,
        received_bytes=31_004_160,
        size=48_217_335,
        sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        state=UploadState.CLEAN,
        reason=None if event is Event.UPLOAD_CLEAN else typed.reason,
        sealed_at=NOW,
        created_at=NOW,
        assignee=Account(id=UUID(int=5), email=typed.staff, name=typed.staff, role=Role.ENGINEER),
        released_by=typed.staff,
        release_reason=typed.why,
        expires_at=NOW + timedelta(days=7),
        deleted_at=NOW,
        deleted_by=typed.staff,
        scan=Scan(findings=[{"member": typed.member, "signature": "Win.Test", "entry": 4}])
        if event in {Event.UPLOAD_INFECTED, Event.UPLOAD_RECALLED}
        else None,
    )


def _told(event: Event, typed: Typed) -> dict[str, Any]:
    moment = NOW.isoformat()
    match event:
        case Event.UPLOAD_ASSIGNED:
            return {"by": typed.staff, "note": typed.note}
        case Event.UPLOAD_EXPIRING | Event.UPLOAD_DELETION_DUE:
            return {"until": moment}
        case Event.UPLOAD_RECALLED:
            return {"downloaded_by": [typed.staff]}
        case Event.TICKET_ISSUED:
            terms = {"uploads": 3, "bytes": 10**9, "until": "28 Nov 2026, 09:05 UTC", "narrowed": True}
            return terms | {
                "case": typed.case,
                "organisation": typed.organisation,
                "ticket": str(UUID(int=6)),
            }
        case Event.ACCOUNT_INVITED:
            return {"by": typed.note, "organisation": typed.organisation, "until": moment}
        case Event.ACCOUNT_RESET:
            return {"address": "203.0.113.7", "until": moment}
        case Event.ACCOUNT_CHANGED:
            return {"what": typed.note, "at": moment, "address": "203.0.113.7", "by": typed.organisation}
        case _:
            return {}


def _payload(event: Event, typed: Typed, upload: Upload | None) -> Payload | None:
    if upload and event is Event.UPLOAD_DELETED:
        return facts.of_tombstone(upload)
    if upload:
        return facts.of_upload(upload)
    match event.partition(".")[0]:
        case "ticket":
            return TicketFacts(
                id=str(UUID(int=6)),
                case=typed.case,
                organisation="acme",
                hint="C0DE",
                expires_at=NOW.isoformat(),
                used_uploads=1,
                max_uploads=3,
                upload=str(UPLOAD_ID) if event is Event.TICKET_USED else None,
            )
        case "account":
            return DeviceFacts(
                account="reader@example.com", device=typed.device, address="203.0.113.7", at=NOW.isoformat()
            )
        case "quota":
            return QuotaFacts(
                organisation="acme",
                percent=92,
                used_bytes=92 * 10**9,
                quota_bytes=10**11,
                used_uploads=311,
                quota_uploads=None,
            )
        case "digest":
            return None
        case _:
            return ServiceFacts(name="scans", reason=typed.reason, waiting=12, oldest=1860.0)
