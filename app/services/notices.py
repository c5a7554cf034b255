"""Who hears of what: rows in the outbox. `letters` has the words."""

import hashlib

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from app.domain.events import AUDIENCE, MANDATORY, Event
from app.domain.jobs import JobName
from app.models import Account, AccountKind, Delivery, Upload
from app.queries import accounts
from app.services import sealed_codes
from app.uow import UnitOfWork


def announce(
    uow: UnitOfWork, event: Event, upload: Upload | None = None, *, occasion: str = "", **told: object
) -> None:
    """Put one row per recipient into the outbox, and ring for each after the commit.

    People who chose not to hear of it get none, unless it is among what nobody can do without.

    The same event of the same upload and ``occasion`` reaches a recipient's row once, however
    often it is announced. ``told`` is what the words need beside the upload's row.
    """
    audience = AUDIENCE[event]
    people = list(uow.session.scalars(accounts.in_roles(audience.roles)))
    if audience.uploader and upload:
        people += uow.session.scalars(
            select(Account).where(
                Account.id == upload.uploader_id,
                Account.active,
                Account.kind == AccountKind.PERSON,
                # Who has moved to another organisation has nothing to do with it any more.
                func.coalesce(Account.organisation_id == upload.organisation_id, True),
            )
        )
    recipients = {each.email for each in people if event in MANDATORY or event not in each.unwanted}
    if audience.uploader and upload and upload.ticket and upload.ticket.recipient:
        recipients.add(upload.ticket.recipient)  # whoever the ticket was sent to
    for recipient in sorted(recipients):
        _put(uow, event, recipient, upload, occasion, told)


def tell(
    uow: UnitOfWork,
    event: Event,
    recipient: str,
    upload: Upload | None = None,
    *,
    occasion: str = "",
    code: str | None = None,
    **told: object,
) -> None:
    """Put one row for one mail address into the outbox, unless it is there; see `announce`.

    ``code`` is what the words need, and nobody else may read before the mail has gone.
    """
    sealed = sealed_codes.seal(uow.settings, code) if code is not None else {}
    _put(uow, event, recipient, upload, occasion, told | sealed)


def _put(
    uow: UnitOfWork,
    event: Event,
    recipient: str,
    upload: Upload | None,
    occasion: str,
    told: dict[str, object],
) -> None:
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
