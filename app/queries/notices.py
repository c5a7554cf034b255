"""What somebody was told in the portal. Every query begins at `visible_to`."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, func, or_, select, tuple_
from sqlalchemy.orm import Session, contains_eager

from app.domain.events import Event, heard_by
from app.domain.policy import Actor, Role
from app.models import EventRecord, Notice
from app.queries import cursor as places

PAGE_SIZE = 50
MOST = 100  # unread ones that are counted


@dataclass(frozen=True, slots=True)
class NoticePage:
    items: list[Notice]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Unread:
    """``count`` is `MOST` at most; ``newest`` of them."""

    count: int = 0
    newest: Notice | None = None


def visible_to(actor: Actor) -> Select[Notice]:
    """Select the actor's own.

    What is of an organisation that they have left is hidden, and what only staff hears of from who is none.
    """
    query = (
        select(Notice)
        .join(Notice.record)
        .options(contains_eager(Notice.record))
        .where(Notice.account_id == actor.id)
    )
    if not actor.sees_all:
        home = EventRecord.organisation_id == actor.organisation_id
        query = query.where(or_(EventRecord.organisation_id.is_(None), home), for_customers())
    return query


def for_customers() -> ColumnElement[bool]:
    """Select of `EventRecord` what is not for staff only."""
    heard = heard_by(Role.CUSTOMER, manager=True)
    own = [event for event in Event if event.startswith("account.")]
    return EventRecord.event.in_([*heard, *own])


def page(session: Session, actor: Actor, cursor: str | None = None) -> NoticePage:
    """Return up to 50 notices, newest first, that come after ``cursor``.

    Raises:
        BadRequestError: the cursor is not one of ours.
    """
    query = visible_to(actor)
    if cursor:
        place = places.decode(cursor)
        query = query.where(tuple_(Notice.created_at, Notice.id) < tuple_(place.created_at, place.id))
    found = session.scalars(_newest_first(query).limit(PAGE_SIZE + 1)).all()
    items = list(found[:PAGE_SIZE])
    more = len(found) > PAGE_SIZE
    return NoticePage(items, places.encode(items[-1].created_at, items[-1].id) if more else None)


def unread(session: Session, actor: Actor) -> Unread:
    """Return how many the actor has not read, and the newest of them."""
    query = visible_to(actor).where(Notice.read_at.is_(None))
    newest = session.scalar(_newest_first(query).limit(1))
    if newest is None:
        return Unread()
    counted = query.with_only_columns(Notice.id).limit(MOST).subquery()
    return Unread(session.scalars(select(func.count()).select_from(counted)).one(), newest)


def _newest_first(query: Select[Notice]) -> Select[Notice]:
    return query.order_by(Notice.created_at.desc(), Notice.id.desc())
