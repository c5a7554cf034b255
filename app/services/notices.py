"""What happened, written down with the change that made it happen. `spreading` finds out who hears of it."""

import hashlib
from collections.abc import Mapping
from uuid import UUID, uuid4

from sqlalchemy.dialects.postgresql import insert

from app.domain.events import Event
from app.domain.jobs import JobName
from app.domain.payloads import Payload, as_json
from app.models import Delivery, EventRecord, Upload
from app.queries import cases
from app.services import facts, sealed_codes
from app.uow import UnitOfWork


def announce(
    uow: UnitOfWork,
    event: Event,
    upload: Upload | None = None,
    *,
    payload: Payload | None = None,
    organisation_id: UUID | None = None,
    case_id: UUID | None = None,
    account_id: UUID | None = None,
    occasion: str = "",
    told: Mapping[str, object] | None = None,
) -> None:
    """Write down that something happened, and ring for it to be spread after the commit.

    The same event of the same upload, organisation, case or account and ``occasion`` is written once,
    however often it is announced. ``payload`` is what programs are told, the upload's facts if not given;
    ``told`` is what the words need beside the upload's row. With ``account_id`` it concerns that person
    alone, besides what channels hear.
    """
    if upload is not None:
        payload = payload or facts.of_upload(upload, staff=event is Event.UPLOAD_ASSIGNED)
        organisation_id = upload.organisation_id
        case = cases.of_upload(uow.session, upload) if upload.case_reference else None
        case_id = case.id if case else None
    about = (
        [str(upload.id)] if upload else [str(each) for each in (organisation_id, case_id, account_id) if each]
    )
    record_id = uuid4()
    uow.session.flush()
    # Neither returned nor compared: a customer's transaction may not read all that it writes down.
    written = uow.session.connection().execute(
        insert(EventRecord)
        .values(
            id=record_id,
            event=event,
            version=payload.VERSION if payload else 1,
            payload=as_json(payload) if payload else {},
            told=dict(told or {}),
            upload_id=upload.id if upload else None,
            case_id=case_id,
            organisation_id=organisation_id,
            account_id=account_id,
            dedupe_key=key_of(event, *about, occasion),
        )
        .on_conflict_do_nothing()
        .execution_options(preserve_rowcount=True)
    )
    if written.rowcount:
        uow.enqueue(JobName.SPREAD_EVENT, str(record_id))


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
    """Put one mail for one address into the outbox, unless it is there; nobody else hears of it.

    ``code`` is what the words need, and nobody else may read before the mail has gone.
    """
    sealed = sealed_codes.seal(uow.settings, code) if code is not None else {}
    delivery_id = uow.session.scalar(
        insert(Delivery)
        .values(
            event=event,
            upload_id=upload.id if upload else None,
            recipient=recipient,
            dedupe_key=key_of(event, str(upload.id) if upload else "", occasion, recipient.lower()),
            told=told | sealed,
        )
        .on_conflict_do_nothing(index_elements=["dedupe_key"])
        .returning(Delivery.id)
    )
    if delivery_id is not None:
        uow.enqueue(JobName.DELIVER, str(delivery_id))


def key_of(*parts: str) -> str:
    """Return the key under which something is told once, hex."""
    return hashlib.sha256("\n".join(filter(None, parts)).encode()).hexdigest()
