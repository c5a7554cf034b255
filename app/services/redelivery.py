"""Sending again what came to nothing, or what an admin wants to see arrive once more."""

from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, update

from app.domain.errors import NotFoundError, StateConflictError
from app.domain.events import Event
from app.domain.jobs import JobName
from app.models import Delivery
from app.queries import channels, deliveries
from app.services import audit
from app.uow import UnitOfWork

#: Whose mails bring a secret, which is kept no longer than it takes to send them.
BRINGS_SECRET: Final = frozenset({Event.TICKET_ISSUED, Event.ACCOUNT_INVITED, Event.ACCOUNT_RESET})

#: A fresh set of attempts; the key stays, so that whoever has it already can tell.
_ANEW: Final = {
    "attempts": 0,
    "failures": 0,
    "sent_at": None,
    "dead_at": None,
    "overtaken": False,
    "last_error": None,
    "next_at": func.now(),
}


def retry(uow: UnitOfWork, delivery_id: UUID, channel_id: UUID | None = None) -> None:
    """Try a dead letter again; with ``channel_id``, one of that channel's.

    Raises:
        NotFoundError: there is no such row, or its channel was removed.
        StateConflictError: it is not dead, or what it brought is forgotten.
    """
    delivery = _get(uow, delivery_id, channel_id)
    if delivery.event in BRINGS_SECRET:
        raise StateConflictError(
            "This mail brought a link or a code, which the portal has forgotten. Send a new one instead."
        )
    _again(uow, delivery, "delivery.retried", *deliveries.DEAD)


def replay(uow: UnitOfWork, delivery_id: UUID, channel_id: UUID) -> None:
    """Tell a channel once more what it was told. Raises NotFoundError, StateConflictError: it was not.

    When it was sent first is kept (`deliveries.sent_before`), whatever comes of it now.
    """
    delivery = _get(uow, delivery_id, channel_id)
    first = deliveries.sent_before(delivery) or delivery.sent_at
    if first is not None:
        delivery.told = delivery.told | {deliveries.SENT_BEFORE: first.isoformat()}
    again = and_(Delivery.dead_at.is_not(None), deliveries.was_sent_before())
    _again(uow, delivery, "delivery.replayed", or_(Delivery.sent_at.is_not(None), again))


def retry_all(uow: UnitOfWork, channel_id: UUID) -> int:
    """Try all dead letters of a channel again; return how many. The sweeper rings for them.

    Raises:
        NotFoundError: there is no such channel.
    """
    channel = channels.get(uow.session, channel_id)
    rows = uow.session.scalars(
        update(Delivery)
        .where(Delivery.channel_id == channel_id, *deliveries.DEAD)
        .values(**_ANEW)
        .returning(Delivery.id)
    ).all()
    if rows:
        audit.record(
            uow, "delivery.retried", channel_id=str(channel.id), name=channel.name, messages=len(rows)
        )
    return len(rows)


def _get(uow: UnitOfWork, delivery_id: UUID, channel_id: UUID | None) -> Delivery:
    """Raises NotFoundError: there is none, or not of that channel, or its channel was removed."""
    delivery = deliveries.get(uow.session, delivery_id)
    if channel_id is not None and delivery.channel_id != channel_id:
        raise NotFoundError
    if delivery.channel_id is not None:
        channels.get(uow.session, delivery.channel_id)
    return delivery


def _again(uow: UnitOfWork, delivery: Delivery, action: str, *when: ColumnElement[bool]) -> None:
    found = uow.session.scalar(
        update(Delivery).where(Delivery.id == delivery.id, *when).values(**_ANEW).returning(Delivery.id)
    )
    if found is None:
        raise StateConflictError("It is on its way already, or was sent meanwhile.")
    uow.enqueue(JobName.DELIVER, str(delivery.id))
    audit.record(
        uow, action, delivery_id=str(delivery.id), recipient=delivery.recipient, event=delivery.event
    )
