"""Emptying the outbox: whose turn it is, and what it says. What came of it is in `outcomes`."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select, update

from app.domain.errors import DependencyError
from app.domain.events import Event
from app.domain.factors import LinkPurpose
from app.domain.lifecycle import STORED, UploadState
from app.domain.payloads import ServiceFacts, as_json, for_outsiders
from app.domain.subscriptions import Follow
from app.domain.tickets import DEAD
from app.models import Account, Channel, Delivery, Ticket, Upload
from app.ports import Message
from app.queries import subscriptions
from app.services import (
    channels,
    digests,
    forgotten,
    letters,
    links,
    outcomes,
    spreading,
    unsubscribing,
)
from app.uow import UnitOfWork

_OPEN = (Delivery.sent_at.is_(None), Delivery.dead_at.is_(None))


def _may_go() -> ColumnElement[bool]:
    """Say that no channel that is paused keeps it waiting; a test of one may go all the same."""
    shut = select(Channel.id).where(Channel.id == Delivery.channel_id, Channel.paused_at.is_not(None))
    return or_(Delivery.channel_id.is_(None), Delivery.event == Event.CHANNEL_TEST, ~shut.exists())


def is_due(waited: int = 0) -> ColumnElement[bool]:
    """Say that it may go, and its time came ``waited`` seconds ago or earlier."""
    return and_(*_OPEN, _may_go(), Delivery.next_at <= func.now() - timedelta(seconds=waited))


def due(uow: UnitOfWork, waited: int, limit: int) -> Sequence[UUID]:
    """Return the rows whose time came ``waited`` seconds ago or earlier, oldest first."""
    query = select(Delivery.id).where(is_due(waited))
    return uow.session.scalars(query.order_by(Delivery.next_at).limit(limit)).all()


def begin(uow: UnitOfWork, delivery_id: UUID) -> Message | None:
    """Count one attempt and return the message to send; None when there is nothing to do.

    The attempt is counted before the send, so that no crash makes it a fourth.
    """
    delivery = uow.session.scalars(
        update(Delivery)
        .where(Delivery.id == delivery_id, is_due())
        .values(attempts=Delivery.attempts + 1, next_at=func.now() + timedelta(seconds=60))
        .returning(Delivery)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if delivery is None:
        return None
    if delivery.attempts > outcomes.MAX_ATTEMPTS:
        delivery.attempts = outcomes.MAX_ATTEMPTS
        outcomes.bury(delivery)
        return None
    if delivery.account_id and not _may_still_hear(uow, delivery):
        outcomes.overtake(delivery, "Whom it is for may not hear of it any more.")
        return None
    if delivery.event in _BRINGS and not _BRINGS[delivery.event](uow, delivery):
        outcomes.overtake(
            delivery, "What it would bring had ended before the mail went, is for nobody, or is unreadable."
        )
        return None
    upload = uow.session.get_one(Upload, delivery.upload_id) if delivery.upload_id else None
    if upload and not _still_so(delivery, upload):
        outcomes.overtake(delivery, f"The upload was {upload.state} before the mail went.")
        return None
    told = digests.still_unread(uow, delivery) if delivery.event is Event.DIGEST else ()
    code = outcomes.code_of(uow, delivery)
    message = letters.compose(
        delivery,
        upload,
        uow.settings.base_url,
        code,
        told,
        unsubscribe=_way_out(uow, delivery),
        watched=_watched(uow, delivery),
    )
    return _for_channel(uow, delivery, message) if delivery.channel_id else message


def _may_still_hear(uow: UnitOfWork, delivery: Delivery) -> bool:
    """Whether the account may be told, now that it comes to that; then it is written to where it is now.

    Mails wait: for the end of the night, for a server, for an admin to try them again.
    """
    person = uow.session.get_one(Account, delivery.account_id)
    if not person.active or (person.organisation and person.organisation.suspended_at):
        return False
    if delivery.record and not spreading.concerns(uow, delivery.record, person):
        return False
    delivery.recipient = person.email
    return True


def _way_out(uow: UnitOfWork, delivery: Delivery) -> str | None:
    """Return where a mail program may post that its owner wants no more of these."""
    if delivery.account_id is None:
        return None
    return unsubscribing.address(uow.settings, delivery.account_id, delivery.event)


def _watched(uow: UnitOfWork, delivery: Delivery) -> bool:
    """Whether the account watches the case that it is about."""
    if delivery.account_id is None or delivery.record is None or delivery.record.case_id is None:
        return False
    return subscriptions.follow_of(uow.session, delivery.account_id, delivery.record.case_id) is Follow.WATCH


def _for_channel(uow: UnitOfWork, delivery: Delivery, letter: Message) -> Message | None:
    """Return the letter as a channel's message; None if there is no such channel any more."""
    channel = uow.session.get_one(Channel, delivery.channel_id)
    if channel.removed_at is not None:
        outcomes.overtake(delivery, "The channel was removed.")
        return None
    try:
        to = channels.unseal(uow.settings, channel)
    except DependencyError as error:
        outcomes.failed(uow, delivery.id, error.message, for_good=False)
        return None
    record = delivery.record
    payload = record.payload if record else as_json(ServiceFacts(name=channel.name))
    return replace(
        letter,
        to=to.address,
        kind=channel.kind,
        secret=to.secrets,
        event=str(delivery.event),
        version=record.version if record else ServiceFacts.VERSION,
        at=record.created_at if record else delivery.created_at,
        url=letter.url or f"{uow.settings.base_url}/",
        payload=for_outsiders(payload) if channel.organisation_id else payload,
    )


def _still_so(delivery: Delivery, upload: Upload) -> bool:
    """Whether what the message would tell of the upload is so."""
    match delivery.event:
        case Event.UPLOAD_EXPIRING:  # and nothing has come since
            return upload.state is UploadState.RECEIVING and upload.active_at < delivery.created_at
        case Event.UPLOAD_CLEAN:
            return upload.state is UploadState.CLEAN
        case Event.UPLOAD_RELEASED:
            return upload.released_at is not None
        case Event.UPLOAD_REJECTED | Event.UPLOAD_DELETED:
            return True
        case Event.UPLOAD_DELETION_DUE:  # and still then: a hold takes the date away, too
            due = upload.expires_at.isoformat() if upload.expires_at else None
            return upload.state in STORED and due is not None and due == delivery.told.get("until")
        case _:
            return upload.state in STORED


def _brings_ticket(uow: UnitOfWork, delivery: Delivery) -> bool:
    """Whether there is a ticket for what the mail would tell."""
    ticket = uow.session.get(Ticket, UUID(delivery.told["ticket"]))
    return (
        ticket is not None
        and ticket.state(expired=False) not in DEAD
        and bool(outcomes.code_of(uow, delivery))
    )


def _brings_invitation(uow: UnitOfWork, delivery: Delivery) -> bool:
    code = outcomes.code_of(uow, delivery)
    return code is not None and links.is_good(uow, code, LinkPurpose.INVITATION)


#: Whether a mail that brings something still can: some are prepared here.
_BRINGS: Final[dict[Event, Callable[[UnitOfWork, Delivery], bool]]] = {
    Event.TICKET_ISSUED: _brings_ticket,
    Event.ACCOUNT_INVITED: _brings_invitation,
    Event.ACCOUNT_RESET: forgotten.prepare,
    Event.DIGEST: digests.has_any,
}
