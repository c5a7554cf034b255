"""Who somebody is: by session, by token, by mail address."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session

from app.domain.policy import Actor, Pass, Role, Scope
from app.domain.tickets import DEAD, TicketState
from app.models import Account, AccountKind, ApiToken, Organisation, SignInSession, Ticket
from app.queries import sessions
from app.settings import Settings

#: How stale "last seen" may be, so that reading a page is not always a write.
USE_GRAIN = timedelta(seconds=60)


def actor_of(
    account: Account,
    address: str | None,
    scopes: Iterable[str] | None = None,
    *,
    means: str = "session",
    came_by: Pass | None = None,
) -> Actor:
    """Return who ``account`` is as one who acts, coming from network ``address``.

    ``scopes`` are those of the token that was sent, if one was; ``means`` says which, for the audit;
    ``came_by`` says it to whoever looks again later.
    """
    home = account.organisation
    return Actor(
        id=account.id,
        label=account.email,
        role=account.role,
        name=account.name,
        organisation_id=account.organisation_id,
        organisation_name=home.name if home else None,
        address=address,
        scopes=None if scopes is None else frozenset(map(Scope, scopes)),
        manager=account.manager,
        came_by=came_by or Pass(),
        means=means,
        on_behalf_of=home.name if home and account.kind is AccountKind.MACHINE else None,
        locale=account.locale,
        time_zone=account.time_zone,
    )


def actor_with(ticket: Ticket, address: str | None) -> Actor:
    """Return who somebody with ``ticket`` is as one who acts."""
    return Actor(
        id=ticket.id,
        label=ticket.label,
        role=Role.CUSTOMER,
        name=f"Ticket for {ticket.case.reference}",
        organisation_id=ticket.case.organisation_id,
        organisation_name=ticket.case.organisation.name,
        address=address,
        ticket_id=ticket.id,
        case=ticket.case.reference,
        means=f"ticket {ticket.hint}",
        on_behalf_of=ticket.made_by.email if ticket.made_by else None,
    )


@dataclass(frozen=True, slots=True)
class LiveSession:
    """``unnoted``: its use is to be written down; ``fresh``: the person proved lately who they are."""

    id: UUID
    account: Account
    unnoted: bool
    fresh: bool
    address: str | None  # from which it was used last
    begun: datetime


def live_session(session: Session, settings: Settings, session_id: UUID) -> LiveSession | None:
    """Return a session in use; None if ended, idle or locked."""
    fresh_since = func.now() - timedelta(seconds=settings.step_up_seconds)
    query = (
        select(
            SignInSession.id,
            Account,
            SignInSession.last_seen_at < func.now() - USE_GRAIN,
            SignInSession.confirmed_at > fresh_since,
            SignInSession.address,
            SignInSession.created_at,
        )
        .join(Account, Account.id == SignInSession.account_id)
        .where(
            SignInSession.id == session_id,
            Account.active,
            _not_suspended(),
            sessions.alive(settings),
        )
    )
    found = session.execute(query).one_or_none()
    return LiveSession(*found) if found else None


def password_hash_of(session: Session, account_id: UUID | None) -> str | None:
    """Return what the account's password is compared with; None if it has none."""
    return session.scalar(select(Account.password_hash).where(Account.id == account_id, Account.active))


def kept_for(session: Session, session_id: UUID | None, path: str) -> dict[str, str]:
    """Return what was typed into the form at ``path`` before it asked who types; empty for nothing."""
    kept = session.scalar(select(SignInSession.kept).where(SignInSession.id == session_id))
    return kept["fields"] if kept and kept["path"] == path else {}


def by_token(session: Session, token_hash: str) -> tuple[ApiToken, Account, bool] | None:
    """Return token, account, and whether its use is to be noted; None if revoked, expired or locked."""
    query = (
        select(ApiToken, Account, func.coalesce(ApiToken.last_used_at < func.now() - USE_GRAIN, True))
        .join(Account, Account.id == ApiToken.account_id)
        .where(
            ApiToken.token_hash == token_hash,
            ApiToken.revoked_at.is_(None),
            func.coalesce(ApiToken.expires_at > func.now(), True),
            Account.active,
            _not_suspended(),
        )
    )
    return session.execute(query).one_or_none()


@dataclass(frozen=True, slots=True)
class KnownTicket:
    """``ended``: it was revoked, its case is closed, or it expired so long ago that nothing is open."""

    ticket: Ticket
    state: TicketState
    ended: bool


def by_ticket(session: Session, settings: Settings, code_hash: str) -> KnownTicket | None:
    """Return a ticket, good or not; None if there was never one.

    One that has expired lets its holder finish what was begun. New uploads are `services.quota`'s
    to refuse.
    """
    long_ago = func.now() - timedelta(seconds=settings.resumable_for)
    query = select(Ticket, Ticket.expires_at <= func.now(), Ticket.expires_at < long_ago)
    found = session.execute(query.where(Ticket.code_hash == code_hash)).one_or_none()
    if found is None:
        return None
    ticket, expired, expired_long_ago = found
    state = ticket.state(expired=expired)
    return KnownTicket(ticket, state, ended=state in DEAD or expired_long_ago)


def by_email(session: Session, email: str) -> Account | None:
    """Return the account that may sign in with this address, whatever its case."""
    return session.scalar(select(Account).where(_may_come_in(email)))


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a password that was typed is compared with, and whose it is."""

    id: UUID
    role: Role
    password_hash: str | None


def credentials(session: Session, email: str) -> Credentials | None:
    """Return what somebody with this address signs in with; one query, whether there is anybody or not."""
    query = select(Account.id, Account.role, Account.password_hash).where(_may_come_in(email))
    found = session.execute(query).one_or_none()
    return Credentials(*found) if found else None


def _may_come_in(email: str) -> ColumnElement[bool]:
    return and_(
        func.lower(Account.email) == email.replace("\x00", "\ufffd").strip().lower(),  # Postgres takes no NUL
        Account.active,
        Account.kind == AccountKind.PERSON,
        _not_suspended(),
    )


def _not_suspended() -> ColumnElement[bool]:
    """Say that the account's organisation, if it has one, is not suspended."""
    suspended = select(Organisation.id).where(
        Organisation.id == Account.organisation_id, Organisation.suspended_at.is_not(None)
    )
    return ~suspended.exists()


def in_roles(roles: frozenset[Role]) -> Select[Account]:
    """Select the people with an active account that hold one of ``roles``."""
    people = Account.role.in_(roles), Account.active, Account.kind == AccountKind.PERSON
    return select(Account).where(*people).order_by(Account.email)
