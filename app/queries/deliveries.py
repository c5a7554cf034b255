"""The outbox, to be looked through page by page: a channel's log, and the dead letters of all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.domain.errors import NotFoundError
from app.domain.events import Event
from app.models import Channel, Delivery
from app.queries import cursor as places

PAGE_SIZE: Final = 50
LOG_SIZE: Final = 20  # there is more on the page than the log

#: What ``told`` has of a message that is sent once more: when it was sent before.
SENT_BEFORE: Final = "sent_before"


def was_sent_before() -> ColumnElement[bool]:
    """Say that it reached its channel before it was sent once more."""
    return func.jsonb_exists(Delivery.told, SENT_BEFORE)


def sent_before(delivery: Delivery) -> datetime | None:
    """Return when a message that is sent once more was sent before; None if it was not."""
    said = delivery.told.get(SENT_BEFORE)
    return datetime.fromisoformat(said) if said else None


#: Dead for no fault of what brings it, or only as a copy: that is no dead letter.
DEAD: Final[tuple[ColumnElement[bool], ...]] = (
    Delivery.dead_at.is_not(None),
    ~Delivery.overtaken,
    ~was_sent_before(),
)


@dataclass(frozen=True, slots=True)
class Filters:
    """What the dead letters are narrowed to."""

    channels: bool | None = None  # False: mails to people; None: both
    event: Event | None = None
    recipient: str = ""  # the beginning of a mail address, or of a channel's name


@dataclass(frozen=True, slots=True)
class Page:
    items: Sequence[Delivery]
    next_cursor: str | None


def get(session: Session, delivery_id: UUID) -> Delivery:
    """Return one. Raises NotFoundError."""
    found = session.get(Delivery, delivery_id)
    if found is None:
        raise NotFoundError
    return found


def log_of(session: Session, channel_id: UUID, cursor: str | None, size: int = LOG_SIZE) -> Page:
    """Return what a channel was told, newest first. Raises BadRequestError: the cursor is not one of ours."""
    query = select(Delivery).where(Delivery.channel_id == channel_id)
    return _page(session, query, Delivery.created_at, cursor, size)


def dead(session: Session, filters: Filters, cursor: str | None, size: int = PAGE_SIZE) -> Page:
    """Return dead letters, the latest to die first. Raises BadRequestError: the cursor is not one of ours."""
    query = select(Delivery).where(*DEAD)
    if filters.channels is not None:
        mails = Delivery.channel_id.is_(None)
        query = query.where(~mails if filters.channels else mails)
    if filters.event is not None:
        query = query.where(Delivery.event == filters.event)
    if filters.recipient:
        beginning = func.lower(Delivery.recipient)
        query = query.where(beginning.startswith(filters.recipient.lower(), autoescape=True))
    return _page(session, query, Delivery.dead_at, cursor, size)


def dead_of(session: Session, channel_id: UUID) -> int:
    """Count the dead letters of a channel."""
    query = select(func.count()).where(Delivery.channel_id == channel_id, *DEAD)
    return session.scalars(query).one()


def waiting_for(session: Session, channel_id: UUID) -> int:
    """Count what a channel is still to be told."""
    query = select(func.count()).where(
        Delivery.channel_id == channel_id, Delivery.sent_at.is_(None), Delivery.dead_at.is_(None)
    )
    return session.scalars(query).one()


def channels_of(session: Session, page: Page) -> dict[UUID, Channel]:
    """Return the channels on a page that are still there, by id."""
    ids = {each.channel_id for each in page.items if each.channel_id}
    rows = session.scalars(select(Channel).where(Channel.id.in_(ids), Channel.removed_at.is_(None)))
    return {each.id: each for each in rows}


def _page(
    session: Session,
    query: Select[Delivery],
    by: "InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None]",
    cursor: str | None,
    size: int,
) -> Page:
    if cursor:
        place = places.decode(cursor)
        query = query.where(tuple_(by, Delivery.id) < tuple_(place.created_at, place.id))
    found = session.scalars(query.order_by(by.desc(), Delivery.id.desc()).limit(size + 1)).all()
    items = found[:size]
    if len(found) <= size:
        return Page(items, None)
    return Page(items, places.encode(getattr(items[-1], by.key), items[-1].id))
