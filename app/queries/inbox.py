"""What support has to do: bundles that are nobody's, mine, of cases that I watch, and anybody's.

Each list is made of queries that walk along one index each, newest first, however long the tables are;
counts end at `MOST`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, func, lateral, or_, select, true
from sqlalchemy.orm import Session, aliased

from app.domain.lifecycle import UploadState
from app.domain.policy import STAFF, Actor, Role
from app.domain.subscriptions import Follow
from app.models import (
    Account,
    Case,
    CaseFollow,
    EventRecord,
    Notice,
    Organisation,
    Upload,
    UploadSight,
)
from app.queries import accounts, search, uploads
from app.queries import cursor as places

PAGE_SIZE = 50
MOST = 100  # of what is counted; one more means that there are more

#: States in which nobody's bundle waits for somebody: ready, or to be reviewed.
WAITING: Final = (UploadState.CLEAN, UploadState.UNSCANNABLE)


class Tab(StrEnum):
    NEW = "new"  # waits, and is nobody's, or of somebody who does not work here any more
    MINE = "mine"
    WATCHED = "watched"
    ASSIGNED = "assigned"  # to anybody


@dataclass(frozen=True, slots=True)
class InboxFilters:
    """What the lists are narrowed to; empty means everything."""

    organisation: str = ""  # slug
    case: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """``unread``: the actor has not opened it since something last happened to it."""

    upload: Upload
    unread: bool


@dataclass(frozen=True, slots=True)
class InboxPage:
    """``now``: the database's time, for ages."""

    items: list[Row]
    next_cursor: str | None
    now: datetime


def page(
    session: Session, actor: Actor, tab: Tab, filters: InboxFilters, cursor: str | None = None
) -> InboxPage:
    """Return up to 50 uploads, newest first, that come after ``cursor``.

    Raises:
        BadRequestError: the cursor is not one of ours.
    """
    place = places.decode(cursor) if cursor else None
    chosen: list[UUID] = []
    for ids in _ids(session, actor, tab, _narrow(session, filters), PAGE_SIZE + 1, place):
        chosen += session.scalars(search.newest_first(ids).limit(PAGE_SIZE + 1))
    # By their ids: joined to a query of ids, the planner would rather read whole tables.
    loaded = session.execute(select(Upload, _unread(actor)).where(Upload.id.in_(chosen))).unique()
    order = sorted(loaded, key=lambda each: (each[0].created_at, each[0].id), reverse=True)
    items = [Row(upload, new) for upload, new in order[:PAGE_SIZE]]
    last = items[-1].upload if len(order) > PAGE_SIZE else None
    now = session.scalars(select(func.now())).one()
    return InboxPage(items, places.encode(last.created_at, last.id) if last else None, now)


def counts(session: Session, actor: Actor, filters: InboxFilters) -> dict[Tab, int]:
    """Return how many uploads each tab has, `MOST` + 1 for more than `MOST`."""
    rules = _narrow(session, filters)
    return {tab: _count(session, _ids(session, actor, tab, rules, MOST + 1)) for tab in Tab}


def _count(session: Session, queries: Sequence[Select[UUID]]) -> int:
    number = 0
    for ids in queries:
        # In order, so that it walks along the page's index: in no order it may read the table.
        counted = search.newest_first(ids).limit(MOST + 1).subquery()
        number += session.scalars(select(func.count()).select_from(counted)).one()
    return min(number, MOST + 1)


def _ids(
    session: Session,
    actor: Actor,
    tab: Tab,
    rules: Sequence[ColumnElement[bool]],
    most: int,
    place: places.Position | None = None,
) -> list[Select[UUID]]:
    """Return queries whose ids together are the tab's, narrowed to ``rules``; no id is in two of them."""
    scope = uploads.visible_to(actor).where(Upload.state != UploadState.DELETED, *rules)
    scope = scope if place is None else search.after(scope, place)
    ids = scope.with_only_columns(Upload.id)
    match tab:
        case Tab.NEW:
            waiting = ids.where(Upload.state.in_(WAITING))
            free = [waiting.where(Upload.assignee_id.is_(None))]
            gone = _gone(session)
            return [*free, waiting.where(Upload.assignee_id.in_(gone))] if gone else free
        case Tab.MINE:
            return [ids.where(Upload.assignee_id == actor.id)]
        case Tab.ASSIGNED:
            return [ids.where(Upload.assignee_id.is_not(None))]
        case Tab.WATCHED:
            return [_watched(actor, ids, most)]


def _narrow(session: Session, filters: InboxFilters) -> list[ColumnElement[bool]]:
    rules: list[ColumnElement[bool]] = []
    if filters.organisation:
        # asked for first, as in `uploads.page`
        of_slug = select(Organisation.id).where(Organisation.slug == filters.organisation)
        rules.append(Upload.organisation_id == (session.scalar(of_slug) or UUID(int=0)))
    if filters.case:
        rules.append(Upload.case_reference == filters.case)
    return rules


def _watched(actor: Actor, ids: Select[UUID], most: int) -> Select[UUID]:
    """Select of each case that the actor watches the newest uploads, ``most`` of each at most."""
    of_case = ids.where(
        Upload.organisation_id == Case.organisation_id, Upload.case_reference == Case.reference
    )
    newest = lateral(search.newest_first(of_case).limit(most).correlate(Case))
    mine = CaseFollow.account_id == actor.id, CaseFollow.follow == Follow.WATCH
    found = (
        select(newest.c.id)
        .select_from(CaseFollow)
        .join(Case, Case.id == CaseFollow.case_id)
        .join(newest, true())
        .where(*mine)
    )
    return select(Upload.id).where(Upload.id.in_(found))


def _gone(session: Session) -> list[UUID]:
    """Return the ids of all whose work anything is, and who are not of the staff any more, or suspended.

    From one to the next along the index: they are few, what they have may be much.
    """
    assigned = Upload.assignee_id.is_not(None)
    first = select(Upload.assignee_id.label("id")).where(assigned).order_by(Upload.assignee_id).limit(1)
    walk = select(first.subquery().c.id).cte("walk", recursive=True)
    later = aliased(Upload)
    following = (
        select(later.assignee_id)
        .where(later.assignee_id > walk.c.id)
        .order_by(later.assignee_id)
        .limit(1)
        .scalar_subquery()
    )
    walk = walk.union_all(select(following).where(walk.c.id.is_not(None)))
    left = or_(~Account.active, Account.role == Role.CUSTOMER)
    return list(session.scalars(select(Account.id).where(Account.id.in_(select(walk.c.id)), left)))


def _unread(actor: Actor) -> ColumnElement[bool]:
    """Say that the actor has not seen an upload as it is now, or not all that they were told of it."""
    seen = exists().where(
        UploadSight.account_id == actor.id,
        UploadSight.upload_id == Upload.id,
        UploadSight.seen_at >= Upload.active_at,
    )
    told = exists().where(
        and_(
            EventRecord.upload_id == Upload.id,
            Notice.record_id == EventRecord.id,
            Notice.account_id == actor.id,
            Notice.read_at.is_(None),
        )
    )
    return or_(~seen, told)


def last_seen_by(session: Session, actor: Actor, upload: Upload, most: int) -> list[tuple[Account, datetime]]:
    """Return of the staff, the actor excepted, who has opened an upload, who did so last first."""
    rows = session.execute(
        select(Account, UploadSight.seen_at)
        .join(UploadSight, UploadSight.account_id == Account.id)
        .where(
            UploadSight.upload_id == upload.id,
            Account.id != actor.id,
            Account.role != Role.CUSTOMER,
        )
        .order_by(UploadSight.seen_at.desc(), Account.id)
        .limit(most)
    )
    return [(account, seen_at) for account, seen_at in rows]


def staff(session: Session, actor: Actor) -> list[Account]:
    """Return whose work something can be, the actor first, then by name: who has come at all."""
    come = accounts.in_roles(STAFF).where(Account.activated_at.is_not(None))
    people = session.scalars(come).unique()
    return sorted(people, key=lambda person: (person.id != actor.id, person.name.casefold()))
