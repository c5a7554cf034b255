"""Reading cases. Every query begins at `visible_to`."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import Session

from app.domain.errors import NotFoundError
from app.domain.policy import Actor
from app.models import Case, Organisation, Upload
from app.queries import cursor as places

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class CaseFilters:
    """What a list is narrowed to. ``open`` None means open and closed ones."""

    q: str = ""
    open: bool | None = None
    organisation: str = ""  # slug


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case, and how many uploads it has."""

    case: Case
    uploads: int


@dataclass(frozen=True, slots=True)
class CasePage:
    items: list[CaseRow]
    next_cursor: str | None


def visible_to(actor: Actor) -> Select[Case]:
    """Select what ``actor`` may know of: the own organisation's cases, a ticket's own, or all for staff."""
    query = select(Case)
    if not actor.sees_all:
        query = query.where(Case.organisation_id == actor.organisation_id)
    if actor.ticket_id:
        query = query.where(Case.reference == actor.case)
    return query


def get(session: Session, actor: Actor, case_id: UUID, *, lock: bool = False) -> Case:
    """Return one case; with ``lock`` nobody else changes it until the transaction ends.

    Raises:
        NotFoundError: there is none, or it is somebody else's.
    """
    query = visible_to(actor).where(Case.id == case_id)
    if lock:
        query = query.with_for_update(of=Case, key_share=True).execution_options(populate_existing=True)
    case = session.scalar(query)
    if case is None:
        raise NotFoundError
    return case


def of_upload(session: Session, upload: Upload) -> Case | None:
    """Return the case of an upload that the actor may see."""
    return session.scalar(
        select(Case).where(
            Case.organisation_id == upload.organisation_id, Case.reference == upload.case_reference
        )
    )


def page(session: Session, actor: Actor, filters: CaseFilters, cursor: str | None = None) -> CasePage:
    """Return up to 50 cases, newest first, that come after ``cursor``.

    Raises:
        BadRequestError: the cursor is not one of ours.
    """
    query = _narrow(visible_to(actor), filters)
    if cursor:
        place = places.decode(cursor)
        query = query.where(tuple_(Case.created_at, Case.id) < tuple_(place.created_at, place.id))
    found = session.scalars(query.order_by(Case.created_at.desc(), Case.id.desc()).limit(PAGE_SIZE + 1)).all()
    items = found[:PAGE_SIZE]
    counts = _counts(session, items)
    return CasePage(
        [CaseRow(case, counts.get((case.organisation_id, case.reference), 0)) for case in items],
        places.encode(items[-1].created_at, items[-1].id) if len(found) > PAGE_SIZE else None,
    )


def _narrow(query: Select[Case], filters: CaseFilters) -> Select[Case]:
    for word in filters.q.lower().split():
        query = query.where(Case.search.contains(word, autoescape=True))
    if filters.open is not None:
        query = query.where(Case.closed_at.is_(None) if filters.open else Case.closed_at.is_not(None))
    if filters.organisation:
        of_slug = select(Organisation.id).where(Organisation.slug == filters.organisation)
        query = query.where(Case.organisation_id == of_slug.scalar_subquery())
    return query


def _counts(session: Session, found: Sequence[Case]) -> dict[tuple[UUID, str], int]:
    """Return how many uploads each of them has, where there are any."""
    rows = session.execute(
        select(Upload.organisation_id, Upload.case_reference, func.count())
        .where(
            tuple_(Upload.organisation_id, Upload.case_reference).in_(
                [(case.organisation_id, case.reference) for case in found]
            ),
            ~Upload.partial,
        )
        .group_by(Upload.organisation_id, Upload.case_reference)
    )
    return {(organisation, reference or ""): count for organisation, reference, count in rows}
