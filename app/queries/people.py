"""People as admins and managers see them. Every query begins at `visible_to`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, func, select
from sqlalchemy.orm import Session

from app.domain.errors import NotFoundError
from app.domain.factors import LinkPurpose
from app.domain.people import PersonState
from app.domain.policy import STAFF, Actor, Role
from app.models import (
    Account,
    AccountKind,
    AccountLink,
    ApiToken,
    AuditEvent,
    Identity,
    Organisation,
    SignInSession,
)
from app.queries import cursor as places
from app.queries import factors
from app.queries.factors import Factors

PAGE_SIZE = 50

#: The three states, of which each person is in one.
_IS: dict[PersonState, ColumnElement[bool]] = {
    PersonState.ACTIVE: and_(Account.active, Account.activated_at.is_not(None)),
    PersonState.INVITED: and_(Account.active, Account.activated_at.is_(None)),
    PersonState.SUSPENDED: ~Account.active,
}


@dataclass(frozen=True, slots=True)
class PeopleFilters:
    """What a list is narrowed to; None and "" mean everybody."""

    q: str = ""  # in the name or the mail address
    role: Role | None = None
    organisation: str = ""  # slug
    state: PersonState | None = None


@dataclass(frozen=True, slots=True)
class PeoplePage:
    items: Sequence[Account]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Suspension:
    """Who suspended somebody, None where the actor may not see them, and why."""

    by: Account | None
    reason: str


@dataclass(frozen=True, slots=True)
class Facts:
    """How somebody gets in. ``invited_until``: a link that was mailed is good so long."""

    factors: Factors
    sessions: int
    tokens: int
    invited_until: datetime | None
    suspended: Suspension | None


def state_of(account: Account) -> PersonState:
    """Return which state somebody is in."""
    if not account.active:
        return PersonState.SUSPENDED
    return PersonState.ACTIVE if account.activated_at else PersonState.INVITED


def visible_to(actor: Actor) -> Select[Account]:
    """Select people, no machines, that ``actor`` may know of: the own organisation's, or all for staff."""
    query = select(Account).where(Account.kind == AccountKind.PERSON)
    return query if actor.sees_all else query.where(Account.organisation_id == actor.organisation_id)


def get(session: Session, actor: Actor, account_id: UUID, *, lock: bool = False) -> Account:
    """Return one person; with ``lock`` nobody else changes the account until the transaction ends.

    Raises:
        NotFoundError: there is nobody, or it is somebody of another organisation.
    """
    query = visible_to(actor).where(Account.id == account_id)
    if lock:
        query = query.with_for_update(of=Account, key_share=True).execution_options(populate_existing=True)
    found = session.scalar(query)
    if found is None:
        raise NotFoundError
    return found


def page(session: Session, actor: Actor, filters: PeopleFilters, cursor: str | None = None) -> PeoplePage:
    """Return up to 50 people by their names that come after ``cursor``.

    Raises:
        BadRequestError: the cursor is not one of ours.
    """
    query = _narrow(visible_to(actor), filters)
    return PeoplePage(*places.page_by_name(session, query, Account, PAGE_SIZE, cursor))


def facts(session: Session, account: Account) -> Facts:
    """Return how somebody gets in who was fetched through `get`."""
    mine = SignInSession.account_id == account.id
    alive = ApiToken.account_id == account.id, ApiToken.revoked_at.is_(None)
    return Facts(
        factors=factors.of(session, account.id),
        sessions=session.scalar(select(func.count()).where(mine)) or 0,
        tokens=session.scalar(
            select(func.count()).where(*alive, func.coalesce(ApiToken.expires_at > func.now(), True))
        )
        or 0,
        invited_until=session.scalar(
            select(func.max(AccountLink.expires_at)).where(
                AccountLink.account_id == account.id,
                AccountLink.purpose == LinkPurpose.INVITATION,
                AccountLink.used_at.is_(None),
                AccountLink.expires_at > func.now(),
            )
        ),
        suspended=None if account.active else suspension(session, account),
    )


def identities(session: Session, account: Account) -> Sequence[Identity]:
    """Return who somebody is at providers. For staff: no customer reads of providers."""
    return session.scalars(select(Identity).where(Identity.account_id == account.id)).all()


def suspension(session: Session, account: Account) -> Suspension | None:
    """Return what the trail says of the last time that somebody was suspended."""
    said = session.execute(
        select(AuditEvent.actor_id, AuditEvent.detail["reason"].astext)
        .where(AuditEvent.account_id == account.id, AuditEvent.action == "account.suspended")
        .order_by(AuditEvent.id.desc())
        .limit(1)
    ).one_or_none()
    if said is None:
        return None
    by, reason = said
    return Suspension(session.get(Account, by) if by else None, reason or "")


def suspended_by_support(session: Session, account: Account) -> bool:
    """Whether it was not a customer, who manages people, that suspended ``account``, which is suspended.

    Within an organisation's wall nobody sees staff; where the trail names nobody, it was an operator.
    """
    said = suspension(session, account)
    return said is None or said.by is None or said.by.role in STAFF


def unclaimed(session: Session, email: str) -> Account | None:
    """Return the customer who was invited under this address and never came, if there is one."""
    return session.scalar(
        select(Account).where(
            func.lower(Account.email) == email.lower(),
            Account.kind == AccountKind.PERSON,
            Account.role == Role.CUSTOMER,
            Account.activated_at.is_(None),
            Account.password_hash.is_(None),
            Account.signed_in_at.is_(None),
            ~exists().where(Identity.account_id == Account.id),
            ~exists().where(SignInSession.account_id == Account.id),
        )
    )


def taken(session: Session, emails: Sequence[str]) -> set[str]:
    """Return which of these addresses, in lower case, have an account already."""
    lower = func.lower(Account.email)
    return set(session.scalars(select(lower).where(lower.in_(emails))))


def lock_admins(session: Session) -> Sequence[UUID]:
    """Return the admins who can sign in, and let nobody else change one until the transaction ends."""
    query = select(Account.id).where(Account.role == Role.ADMIN, _IS[PersonState.ACTIVE])
    return session.scalars(query.order_by(Account.id).with_for_update(key_share=True)).all()


def _narrow(query: Select[Account], filters: PeopleFilters) -> Select[Account]:
    for word in filters.q.lower().split():
        query = query.where(func.lower(Account.name + " " + Account.email).contains(word, autoescape=True))
    if filters.role:
        query = query.where(Account.role == filters.role)
    if filters.organisation:
        of_slug = select(Organisation.id).where(Organisation.slug == filters.organisation)
        query = query.where(Account.organisation_id == of_slug.scalar_subquery())
    if filters.state:
        query = query.where(_IS[filters.state])
    return query
