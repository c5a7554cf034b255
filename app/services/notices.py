"""Who hears of what: rows in the outbox. `letters` has the words."""

import hashlib

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.domain.events import AUDIENCE, Event
from app.domain.jobs import JobName
from app.models import Account, Delivery, Upload
from app.queries import accounts
from app.uow import UnitOfWork


def announce(
    uow: UnitOfWork, event: Event, upload: Upload | None = None, *, occasion: str = "", **told: object
) -> None:
    """Put one row per recipient into the outbox, and ring for each after the commit.

    The same event of the same upload and ``occasion`` reaches a recipient's row once, however
    often it is announced. ``told`` is what the words need beside the upload's row.
    """
    audience = AUDIENCE[event]
    recipients = {account.email for account in uow.session.scalars(accounts.in_roles(audience.roles))}
    if audience.uploader and upload:
        recipients.update(
            uow.session.scalars(select(Account.email).where(Account.id == upload.uploader_id, Account.active))
        )
        if upload.ticket and upload.ticket.recipient:  # whoever the ticket was sent to
            recipients.add(upload.ticket.recipient)
    for recipient in sorted(recipients):
        tell(uow, event, recipient, upload, occasion=occasion, **told)


def tell(
    uow: UnitOfWork,
    event: Event,
    recipient: str,
    upload: Upload | None = None,
    *,
    occasion: str = "",
    **told: object,
) -> None:
    """Put one row for one mail address into the outbox, unless it is there; see `announce`."""
    delivery_id = uow.session.scalar(
        insert(Delivery)
        .values(
            event=event,
            upload_id=upload.id if upload else None,
            recipient=recipient,
            dedupe_key=_dedupe_key(event, upload, occasion, recipient),
            told=told,
        )
        .on_conflict_do_nothing(index_elements=["dedupe_key"])
        .returning(Delivery.id)
    )
    if delivery_id is not None:
        uow.enqueue(JobName.DELIVER, str(delivery_id))


def _dedupe_key(event: Event, upload: Upload | None, occasion: str, recipient: str) -> str:
    about = "\n".join(filter(None, [str(upload.id) if upload else "", occasion]))
    return hashlib.sha256(f"{event}\n{about}\n{recipient.lower()}".encode()).hexdigest()
