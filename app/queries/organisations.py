"""Organisations: for operators, and for admins page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.domain.errors import NotFoundError
from app.domain.policy import Actor
from app.models import Account, AccountKind, AuditEvent, Organisation, OrganisationDomain
from app.queries import cursor as places

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class OrganisationFilters:
    """What a list is narrowed to. ``suspended`` None means both."""

    q: str = ""  # in the name, the short name or a mail domain
    suspended: bool | None = None


@dataclass(frozen=True, slots=True)
class OrganisationRow:
    """An organisation, and how many people it has."""

    organisation: Organisation
    people: int


@dataclass(frozen=True, slots=True)
class OrganisationPage:
    items: list[OrganisationRow]
    next_cursor: str | None


def in_order(session: Session) -> Sequence[Organisation]:
    """Return all of them by their short names."""
    return session.scalars(select(Organisation).order_by(Organisation.slug)).all()


def open_to_people(session: Session) -> list[tuple[str, str]]:
    """Return (slug, name) of those where somebody can be invited, by their names."""
    rows = session.execute(
        select(Organisation.slug, Organisation.name)
        .where(Organisation.suspended_at.is_(None))
        .order_by(Organisation.name)
    )
    return [(slug, name) for slug, name in rows]


def by_slug(session: Session, slug: str) -> Organisation:
    """Return one. Raises NotFoundError."""
    found = session.scalar(select(Organisation).where(Organisation.slug == slug))
    if found is None:
        raise NotFoundError(f"There is no organisation {slug}.")
    return found


def visible_to(actor: Actor) -> Select[Organisation]:
    """Select what ``actor`` may know of: the own one, or all for staff."""
    query = select(Organisation)
    return query if actor.sees_all else query.where(Organisation.id == actor.organisation_id)


def get(session: Session, actor: Actor, organisation_id: UUID, *, lock: bool = False) -> Organisation:
    """Return one; with ``lock`` nobody else changes it until the transaction ends.

    Raises:
        NotFoundError: there is none, or it is not the actor's to see.
    """
    query = visible_to(actor).where(Organisation.id == organisation_id)
    if lock:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    found = session.scalar(query)
    if found is None:
        raise NotFoundError
    return found


def page(
    session: Session, actor: Actor, filters: OrganisationFilters, cursor: str | None = None
) -> OrganisationPage:
    """Return up to 50 by their names that come after ``cursor``.

    Raises:
        BadRequestError: the cursor is not one of ours.
    """
    query = _narrow(visible_to(actor), filters)
    items, after = places.page_by_name(session, query, Organisation, PAGE_SIZE, cursor)
    people = _people(session, [each.id for each in items])
    return OrganisationPage([OrganisationRow(each, people.get(each.id, 0)) for each in items], after)


def why_suspended(session: Session, organisation: Organisation) -> str | None:
    """Return the reason that was given when it was suspended last."""
    reason: str | None = session.scalar(
        select(AuditEvent.detail["reason"].astext)
        .where(AuditEvent.organisation_id == organisation.id, AuditEvent.action == "organisation.suspended")
        .order_by(AuditEvent.id.desc())
        .limit(1)
    )
    return reason


def people_of(session: Session, organisation: Organisation) -> int:
    """Return how many people an organisation has."""
    return _people(session, [organisation.id]).get(organisation.id, 0)


def _narrow(query: Select[Organisation], filters: OrganisationFilters) -> Select[Organisation]:
    for word in filters.q.lower().split():
        in_domain = Organisation.domains.any(OrganisationDomain.domain.contains(word, autoescape=True))
        in_name = func.lower(Organisation.name + " " + Organisation.slug).contains(word, autoescape=True)
        query = query.where(in_name | in_domain)
    if filters.suspended is not None:
        at = Organisation.suspended_at
        query = query.where(at.is_not(None) if filters.suspended else at.is_(None))
    return query


def _people(session: Session, ids: Sequence[UUID]) -> dict[UUID, int]:
    rows = session.execute(
        select(Account.organisation_id, func.count())
        .where(Account.organisation_id.in_(ids), Account.kind == AccountKind.PERSON)
        .group_by(Account.organisation_id)
    )
    return {of: count for of, count in rows if of}
