"""Reading uploads. Every query begins at `visible_to`: tenancy is not something to remember."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, false, func, select
from sqlalchemy.orm import Session

from app.domain.errors import NotFoundError
from app.domain.lifecycle import RESUMABLE, UploadState
from app.domain.policy import Actor
from app.models import Organisation, Upload
from app.queries import cursor as places
from app.queries import search

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to; empty means everything that the actor may see."""

    q: str = ""
    states: tuple[UploadState, ...] = ()
    organisation: str = ""  # slug
    case: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """``looked_back_to`` is set when a search stopped there, with more to look at (`search.find`)."""

    items: list[Upload]
    next_cursor: str | None
    looked_back_to: datetime | None = None


def visible_to(actor: Actor) -> Select[Upload]:
    """Select what ``actor`` may know of: the own organisation's, what a ticket brought, or all for staff.

    Parts of what is sent in parallel are no uploads of their own; see `parts_visible_to`.
    """
    return parts_visible_to(actor).where(~Upload.partial)


def parts_visible_to(actor: Actor) -> Select[Upload]:
    """Select the same, and parts too."""
    query = select(Upload)
    if not actor.sees_all:
        query = query.where(Upload.organisation_id == actor.organisation_id)
    if actor.ticket_id:
        query = query.where(Upload.ticket_id == actor.ticket_id)
    return query


def sent_by(actor: Actor) -> ColumnElement[bool]:
    """Whether this account or ticket sends it, or has sent it."""
    if actor.ticket_id:
        return Upload.ticket_id == actor.ticket_id
    return Upload.uploader_id == actor.id


def get(session: Session, actor: Actor, upload_id: UUID) -> Upload:
    """Return one upload.

    Raises:
        NotFoundError: there is none, or it is somebody else's; the two look alike.
    """
    upload = session.scalar(visible_to(actor).where(Upload.id == upload_id))
    if upload is None:
        raise NotFoundError
    return upload


def page(session: Session, actor: Actor, filters: Filters, cursor: str | None = None) -> Page:
    """Return up to 50 uploads, newest first, that come after ``cursor``.

    Raises:
        BadRequestError: the cursor is not one of ours.
    """
    scope = _narrow(session, visible_to(actor), filters)
    if cursor:
        scope = search.after(scope, places.decode(cursor))
    stopped = None
    if words := filters.q.lower().split():
        found = search.find(session, scope, words, PAGE_SIZE + 1, walled=not actor.sees_all)
        scope, stopped = select(Upload).where(Upload.id.in_(found.ids)), found.stopped
    rows = session.scalars(search.newest_first(scope).limit(PAGE_SIZE + 1)).all()
    items = list(rows[:PAGE_SIZE])
    if len(rows) > PAGE_SIZE:
        return Page(items, places.encode(items[-1].created_at, items[-1].id))
    if stopped is None:
        return Page(items, None)
    return Page(items, places.encode(stopped.created_at, stopped.id), stopped.created_at)


def _narrow(session: Session, query: Select[Upload], filters: Filters) -> Select[Upload]:
    if filters.states:
        query = query.where(Upload.state.in_(filters.states))
    if filters.organisation:
        # asked for first, because the planner knows how much a given organisation has sent
        of_slug = session.scalar(select(Organisation.id).where(Organisation.slug == filters.organisation))
        query = query.where(Upload.organisation_id == of_slug) if of_slug else query.where(false())
    if filters.case:
        query = query.where(Upload.case_reference == filters.case)
    return query


def unfinished_of(session: Session, actor: Actor) -> list[Upload]:
    """Return what this person began to send in parts and can go on with, newest first."""
    return list(
        session.scalars(
            visible_to(actor)
            .where(
                sent_by(actor),
                Upload.state == UploadState.RECEIVING,
                Upload.door.in_(RESUMABLE),
            )
            .order_by(Upload.created_at.desc())
            .limit(20)
        )
    )


def recent_of(session: Session, actor: Actor, count: int = 5) -> list[Upload]:
    """Return what this person finished sending last, newest first."""
    return list(
        session.scalars(
            visible_to(actor)
            .where(sent_by(actor), Upload.state != UploadState.RECEIVING)
            .order_by(Upload.created_at.desc())
            .limit(count)
        )
    )


def by_idempotency_key(session: Session, actor: Actor, key: str) -> Upload | None:
    """Return what this person already sent, or is sending, under ``key``."""
    return session.scalar(visible_to(actor).where(sent_by(actor), Upload.idempotency_key == key))


def organisations(session: Session, actor: Actor) -> list[tuple[str, str]]:
    """Return (slug, name) of those by which the actor may narrow a list: none for a customer."""
    if not actor.sees_all:
        return []
    rows = session.execute(select(Organisation.slug, Organisation.name).order_by(Organisation.name))
    return [(slug, name) for slug, name in rows]


def totals(session: Session, actor: Actor) -> list[tuple[UploadState, int, int]]:
    """Return (state, number, bytes) of all that the actor may see."""
    seen = visible_to(actor).subquery()
    rows = session.execute(
        select(seen.c.state, func.count(), func.coalesce(func.sum(seen.c.size), 0)).group_by(seen.c.state)
    )
    return [(UploadState(state), int(number), int(size)) for state, number, size in rows]
