"""Who hears of what: rows in the outbox, and the words of the mails made of them."""

import hashlib

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.domain.events import AUDIENCE, Event
from app.domain.jobs import JobName
from app.models import Account, Delivery, Upload
from app.ports import Message
from app.queries import accounts
from app.uow import UnitOfWork


def announce(uow: UnitOfWork, event: Event, upload: Upload) -> None:
    """Put one row per recipient into the outbox, and ring for each after the commit.

    The same event of the same upload reaches a recipient's row once, however often it is
    announced.
    """
    audience = AUDIENCE[event]
    recipients = {account.email for account in uow.session.scalars(accounts.in_roles(audience.roles))}
    if audience.uploader:
        recipients.update(
            uow.session.scalars(select(Account.email).where(Account.id == upload.uploader_id, Account.active))
        )
    for recipient in sorted(recipients):
        delivery_id = uow.session.scalar(
            insert(Delivery)
            .values(
                event=event,
                upload_id=upload.id,
                recipient=recipient,
                dedupe_key=_dedupe_key(event, upload, recipient),
            )
            .on_conflict_do_nothing(index_elements=["dedupe_key"])
            .returning(Delivery.id)
        )
        if delivery_id is not None:
            uow.enqueue(JobName.DELIVER, str(delivery_id))


def _dedupe_key(event: Event, upload: Upload, recipient: str) -> str:
    return hashlib.sha256(f"{event}\n{upload.id}\n{recipient.lower()}".encode()).hexdigest()


def compose(delivery: Delivery, upload: Upload, base_url: str) -> Message:
    """Write the mail. ``base_url`` is the configured one, never what a request said."""
    case = upload.case_reference or "no case"
    if delivery.event is Event.UPLOAD_CLEAN:
        subject = f"[{case}] Ready: {upload.filename}"
        opening = "A diagnostics bundle has arrived and was scanned. It is ready to download."
    else:
        subject = f"[{case}] Virus found: {upload.filename}"
        opening = "A diagnostics bundle was stopped: the scanner found a virus in it. Nobody can download it."
    lines = [
        opening,
        "",
        f"Case:          {case}",
        f"File:          {upload.filename}",
        f"Size:          {upload.size:,} bytes",
        f"SHA-256:       {upload.sha256}",
        f"Organisation:  {upload.organisation.name}",
        f"Sent by:       {upload.uploader.email}",
        *(f"Found:         {found['signature']} in {found['member']}" for found in _findings(upload)),
        "",
        f"{base_url}/files/{upload.id}",
        "",
    ]
    return Message(key=delivery.dedupe_key, to=delivery.recipient, subject=subject, text="\n".join(lines))


def _findings(upload: Upload) -> list[dict[str, str]]:
    return upload.scan.findings[:20] if upload.scan else []
