"""Reading uploads. Every query begins at `visible_to`: tenancy is not something to remember."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import Session

from app.domain.errors import BadRequestError, NotFoundError
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor
from app.models import AuditEvent, Organisation, Upload

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
    items: list[Upload]
    next_cursor: str | None


def visible_to(actor: Actor) -> Select[Upload]:
    """Select what ``actor`` may know of: the own organisation's, or everything for staff."""
    query = select(Upload)
    if not actor.sees_all:
        query = query.where(Upload.organisation_id == actor.organisation_id)
    return query


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
    query = _narrow(visible_to(actor), filters)
    if cursor:
        query = query.where(tuple_(Upload.created_at, Upload.id) < tuple_(*_decode(cursor)))
    # Ids first: the joins for names then touch one page of rows, however deep the page.
    rows = session.scalars(
        query.order_by(Upload.created_at.desc(), Upload.id.desc()).limit(PAGE_SIZE + 1)
    ).all()
    items = list(rows[:PAGE_SIZE])
    more = len(rows) > PAGE_SIZE
    return Page(items, _encode(items[-1]) if more else None)


def _narrow(query: Select[Upload], filters: Filters) -> Select[Upload]:
    if filters.states:
        query = query.where(Upload.state.in_(filters.states))
    if filters.organisation:
        of_slug = select(Organisation.id).where(Organisation.slug == filters.organisation).scalar_subquery()
        query = query.where(Upload.organisation_id == of_slug)
    if filters.case:
        query = query.where(Upload.case_reference == filters.case)
    for word in filters.q.lower().split():
        query = query.where(Upload.search.contains(word, autoescape=True))
    return query


def _encode(upload: Upload) -> str:
    return base64.urlsafe_b64encode(f"{upload.created_at.isoformat()} {upload.id}".encode()).decode()


def _decode(cursor: str) -> tuple[datetime, UUID]:
    try:
        at, _, upload_id = base64.urlsafe_b64decode(cursor.encode()).decode().partition(" ")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError(at)
        return moment, UUID(upload_id)
    except (ValueError, binascii.Error) as error:
        raise BadRequestError("This page link is damaged. Start again from the first page.") from error


def unfinished_of(session: Session, actor: Actor) -> list[Upload]:
    """Return what this person began to send through tus and can go on with, newest first."""
    return list(
        session.scalars(
            visible_to(actor)
            .where(
                Upload.uploader_id == actor.id,
                Upload.state == UploadState.RECEIVING,
                Upload.door == "tus",
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
            .where(Upload.uploader_id == actor.id, Upload.state != UploadState.RECEIVING)
            .order_by(Upload.created_at.desc())
            .limit(count)
        )
    )


def history(session: Session, upload: Upload) -> list[AuditEvent]:
    """Return the trail of an upload that was fetched through `get`, oldest first."""
    return list(
        session.scalars(select(AuditEvent).where(AuditEvent.upload_id == upload.id).order_by(AuditEvent.id))
    )


def by_idempotency_key(session: Session, actor: Actor, key: str) -> Upload | None:
    """Return what this person already sent, or is sending, under ``key``."""
    return session.scalar(
        visible_to(actor).where(Upload.uploader_id == actor.id, Upload.idempotency_key == key)
    )


def organisations(session: Session, actor: Actor) -> list[Organisation]:
    """Return those by which the actor may narrow a list: none for a customer."""
    if not actor.sees_all:
        return []
    return list(session.scalars(select(Organisation).order_by(Organisation.name)))


def totals(session: Session, actor: Actor) -> list[tuple[UploadState, int, int]]:
    """Return (state, number, bytes) of all that the actor may see."""
    seen = visible_to(actor).subquery()
    rows = session.execute(
        select(seen.c.state, func.count(), func.coalesce(func.sum(seen.c.size), 0)).group_by(seen.c.state)
    )
    return [(UploadState(state), int(number), int(size)) for state, number, size in rows]
