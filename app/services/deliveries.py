"""Emptying the outbox: between one and three sends per row, then a dead letter."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Text, cast, func, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from app.domain.errors import DependencyError
from app.domain.events import Event
from app.domain.factors import LinkPurpose
from app.domain.lifecycle import STORED, UploadState
from app.domain.tickets import DEAD
from app.log import get_logger
from app.models import Channel, Delivery, Ticket, Upload
from app.ports import Message
from app.services import channels, forgotten, letters, links, sealed_codes
from app.uow import UnitOfWork

log = get_logger(__name__)

MAX_ATTEMPTS = 3  # sends that may have reached somebody
MAX_FAILURES = 30  # sends that surely did not; with the back-off, about a day
_FIRST_RETRY, _LONGEST_RETRY = 15, 3600  # seconds

_OPEN = (Delivery.sent_at.is_(None), Delivery.dead_at.is_(None))


def _may_go() -> ColumnElement[bool]:
    """Say that no channel that is paused keeps it waiting; a test of one may go all the same."""
    shut = select(Channel.id).where(Channel.id == Delivery.channel_id, Channel.paused_at.is_not(None))
    return or_(Delivery.channel_id.is_(None), Delivery.event == Event.CHANNEL_TEST, ~shut.exists())


def due(uow: UnitOfWork, waited: int, limit: int) -> Sequence[UUID]:
    """Return the rows whose time came ``waited`` seconds ago or earlier, oldest first."""
    return uow.session.scalars(
        select(Delivery.id)
        .where(*_OPEN, _may_go(), Delivery.next_at <= func.now() - timedelta(seconds=waited))
        .order_by(Delivery.next_at)
        .limit(limit)
    ).all()


def begin(uow: UnitOfWork, delivery_id: UUID) -> Message | None:
    """Count one attempt and return the message to send; None when there is nothing to do.

    The attempt is counted before the send, so that no crash makes it a fourth.
    """
    delivery = uow.session.scalars(
        update(Delivery)
        .where(Delivery.id == delivery_id, *_OPEN, _may_go(), Delivery.next_at <= func.now())
        .values(attempts=Delivery.attempts + 1, next_at=func.now() + timedelta(seconds=60))
        .returning(Delivery)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if delivery is None:
        return None
    if delivery.attempts > MAX_ATTEMPTS:
        delivery.attempts = MAX_ATTEMPTS
        _bury(delivery)
        return None
    if delivery.event in _BRINGS and not _BRINGS[delivery.event](uow, delivery):
        _overtake(
            delivery, "What it would bring had ended before the mail went, is for nobody, or is unreadable."
        )
        return None
    upload = uow.session.get_one(Upload, delivery.upload_id) if delivery.upload_id else None
    if upload and not _still_so(delivery, upload):
        _overtake(delivery, f"The upload was {upload.state} before the mail went.")
        return None
    message = letters.compose(delivery, upload, uow.settings.base_url, _code(uow, delivery))
    return _for_channel(uow, delivery, message) if delivery.channel_id else message


def _for_channel(uow: UnitOfWork, delivery: Delivery, letter: Message) -> Message | None:
    """Return the letter as a channel's message; None if there is no such channel any more."""
    channel = uow.session.get_one(Channel, delivery.channel_id)
    if channel.removed_at is not None:
        _overtake(delivery, "The channel was removed.")
        return None
    to, record = channels.unseal(uow.settings, channel), delivery.record
    return replace(
        letter,
        to=to.address,
        kind=channel.kind,
        secret=to.secret,
        event=str(delivery.event),
        version=record.version if record else 1,
        at=record.created_at if record else delivery.created_at,
        payload=record.payload if record else {},
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
        case Event.UPLOAD_DELETION_DUE:
            return upload.state in STORED and upload.expires_at is not None and upload.held_at is None
        case _:
            return upload.state in STORED


def _brings_ticket(uow: UnitOfWork, delivery: Delivery) -> bool:
    """Whether there is a ticket for what the mail would tell."""
    ticket = uow.session.get(Ticket, UUID(delivery.told["ticket"]))
    return ticket is not None and ticket.state(expired=False) not in DEAD and bool(_code(uow, delivery))


def _brings_invitation(uow: UnitOfWork, delivery: Delivery) -> bool:
    code = _code(uow, delivery)
    return code is not None and links.is_good(uow, code, LinkPurpose.INVITATION)


def _code(uow: UnitOfWork, delivery: Delivery) -> str | None:
    """Return what the mail brings; None if that is nothing, or cannot be read any more."""
    try:
        return sealed_codes.unseal(uow.settings, delivery.told)
    except DependencyError:
        log.error("letter_unreadable", delivery_id=delivery.id, delivery_event=delivery.event)
        return None


#: Whether a mail that brings a secret still can: some are prepared here.
_BRINGS: Final[dict[Event, Callable[[UnitOfWork, Delivery], bool]]] = {
    Event.TICKET_ISSUED: _brings_ticket,
    Event.ACCOUNT_INVITED: _brings_invitation,
    Event.ACCOUNT_RESET: forgotten.prepare,
}


def sent(uow: UnitOfWork, delivery_id: UUID) -> None:
    """Note that the mail server took the mail."""
    uow.session.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id)
        .values(
            sent_at=func.now(),
            last_error=None,
            told=Delivery.told.op("-")(cast(list(sealed_codes.NAMES), ARRAY(Text))),
        )
    )


def failed(uow: UnitOfWork, delivery_id: UUID, why: str, *, for_good: bool) -> None:
    """Note that the mail surely did not go: it may be tried again unless ``for_good``."""
    delivery = uow.session.get_one(Delivery, delivery_id)
    delivery.attempts -= 1
    delivery.failures += 1
    delivery.last_error = _without_code(uow, delivery, why)
    if for_good or delivery.failures >= MAX_FAILURES:
        _bury(delivery)
    else:
        wait = min(_FIRST_RETRY * 2 ** (delivery.failures - 1), _LONGEST_RETRY)
        delivery.next_at = func.now() + timedelta(seconds=wait)


def uncertain(uow: UnitOfWork, delivery_id: UUID, why: str) -> None:
    """Note that nobody can say whether the mail went; the attempt stays counted."""
    delivery = uow.session.get_one(Delivery, delivery_id)
    delivery.last_error = _without_code(uow, delivery, why)


def _without_code(uow: UnitOfWork, delivery: Delivery, why: str) -> str:
    """Return why a mail did not go without the code in it, which a server may quote from the mail."""
    code = _code(uow, delivery)
    return re.sub(re.escape(code), "(code)", why, flags=re.IGNORECASE) if code else why


def _forget_code(delivery: Delivery) -> None:
    """Keep no code longer than it takes to mail it."""
    delivery.told = sealed_codes.without(delivery.told)


def _overtake(delivery: Delivery, why: str) -> None:
    _forget_code(delivery)
    delivery.dead_at, delivery.last_error = func.now(), why
    log.info("letter_overtaken", delivery_id=delivery.id, delivery_event=delivery.event)


def _bury(delivery: Delivery) -> None:
    _forget_code(delivery)
    delivery.dead_at = func.now()
    log.error("dead_letter", delivery_id=delivery.id, delivery_event=delivery.event, why=delivery.last_error)
