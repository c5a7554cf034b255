"""Reading the trail. Every query begins at `visible_to`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Select, false, func, select
from sqlalchemy.orm import Session

from app.domain.errors import BadRequestError
from app.domain.policy import Actor
from app.models import Account, AuditEvent, Organisation, Upload
from app.queries.audit_names import Named, named

PAGE_SIZE = 50

#: The deeds by which bytes of a bundle left the portal.
FETCHED: Final = ("upload.downloaded", "upload.salvaged")
#: What staff do about a bundle or a case, and customers are not told of: whose work it is, what is held, how
#: long it is kept.
FOR_STAFF: Final = (
    "upload.assigned",
    "upload.held",
    "upload.hold_ended",
    "case.held",
    "case.hold_ended",
    "case.retention_set",
)
#: Nobody is known who is refused: what tells of whom is the address that was typed.
REFUSED: Final = "session.refused"


@dataclass(frozen=True, slots=True)
class Filters:
    """What the trail is narrowed to; empty means everything that the actor may see."""

    actions: tuple[str, ...] = ()
    person: str = ""  # who did it, or to whom it was done: a mail address, a ticket's label, or an id
    organisation: str = ""  # slug
    upload_id: UUID | None = None
    address: str = ""  # network address
    request_id: str = ""
    since: datetime | None = None
    until: datetime | None = None  # up to, and not at, this moment


@dataclass(frozen=True, slots=True)
class Page:
    items: list[Named]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Fetched:
    """Somebody who has fetched an upload, ``times`` times."""

    who: Named  # by the last time
    times: int
    first: datetime
    last: datetime


def visible_to(actor: Actor) -> Select[AuditEvent]:
    """Select what ``actor`` may know of: what is the own organisation's, or all for staff."""
    query = select(AuditEvent)
    if actor.sees_all:
        return query
    theirs = AuditEvent.organisation_id == actor.organisation_id
    return query.where(theirs, AuditEvent.action.not_in(FOR_STAFF))


def page(
    session: Session, actor: Actor, filters: Filters, cursor: str | None = None, size: int = PAGE_SIZE
) -> Page:
    """Return up to ``size`` rows, newest first, that come after ``cursor``.

    Raises:
        BadRequestError: the cursor is not one of ours.
    """
    before = _decode(cursor)
    found: dict[int, AuditEvent] = {}
    for query in _narrowed(session, actor, filters):
        if before is not None:
            query = query.where(AuditEvent.id < before)
        newest = session.scalars(query.order_by(AuditEvent.id.desc()).limit(size + 1))
        found.update((row.id, row) for row in newest)
    rows = [found[row_id] for row_id in sorted(found, reverse=True)][: size + 1]
    items = named(session, actor, rows[:size])
    return Page(items, str(rows[size - 1].id) if len(rows) > size else None)


def history(session: Session, actor: Actor, upload: Upload, most: int) -> list[Named]:
    """Return the newest rows about an upload that was fetched through `uploads.get`, oldest first."""
    query = visible_to(actor).where(AuditEvent.upload_id == upload.id)
    rows = session.scalars(query.order_by(AuditEvent.id.desc()).limit(most)).all()
    return named(session, actor, rows[::-1])


def fetched_by(session: Session, actor: Actor, upload: Upload, most: int) -> list[Fetched]:
    """Return who has fetched an upload, who did so last first."""
    seen = visible_to(actor).where(AuditEvent.upload_id == upload.id, AuditEvent.action.in_(FETCHED))
    columns = seen.subquery().c
    groups = session.execute(
        select(func.max(columns.id), func.count(), func.min(columns.at), func.max(columns.at))
        .group_by(columns.actor_id, columns.actor_label)
        .order_by(func.max(columns.id).desc())
        .limit(most)
    ).all()
    rows = session.scalars(select(AuditEvent).where(AuditEvent.id.in_([group[0] for group in groups])))
    who = {one.row.id: one for one in named(session, actor, list(rows))}
    return [Fetched(who[last_id], times, first, last) for last_id, times, first, last in groups]


def _narrowed(session: Session, actor: Actor, filters: Filters) -> Sequence[Select[AuditEvent]]:
    """Return queries whose rows together are what was asked for: each walks along one index."""
    query = visible_to(actor)
    if filters.actions:
        query = query.where(AuditEvent.action.in_(filters.actions))
    if filters.organisation:
        of_slug = session.scalar(select(Organisation.id).where(Organisation.slug == filters.organisation))
        query = query.where(AuditEvent.organisation_id == of_slug) if of_slug else query.where(false())
    for column, wanted in (
        (AuditEvent.upload_id, filters.upload_id),
        (AuditEvent.address, filters.address),
        (AuditEvent.request_id, filters.request_id),
    ):
        if wanted:
            query = query.where(column == wanted)
    if filters.since:
        query = query.where(AuditEvent.at >= filters.since)
    if filters.until:
        query = query.where(AuditEvent.at < filters.until)
    if not filters.person:
        return [query]
    person_id, email = _person(session, filters.person)
    typed = func.lower(AuditEvent.detail["email"].astext) == email
    queries = [query.where(AuditEvent.action == REFUSED, typed)]
    if person_id is None:  # an account's former address, a ticket
        return [*queries, query.where(func.lower(AuditEvent.actor_label) == email)]
    return [
        *queries,
        query.where(AuditEvent.actor_id == person_id),
        query.where(AuditEvent.account_id == person_id),
    ]


def _person(session: Session, said: str) -> tuple[UUID | None, str]:
    """Return id, None if no account is meant, and mail address, in lower case."""
    try:
        is_meant = Account.id == UUID(said)
    except ValueError:
        is_meant = func.lower(Account.email) == said.lower()
    found = session.execute(select(Account.id, Account.email).where(is_meant)).one_or_none()
    return (found[0], found[1].lower()) if found else (None, said.lower())


def _decode(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise BadRequestError("This page link is damaged. Start again from the first page.")
    return int(cursor)
