"""The browsers in which somebody is signed in."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import Session

from app.domain.policy import Role
from app.models import Account, IdentityProvider, SignInSession
from app.settings import Settings


def alive(settings: Settings) -> ColumnElement[bool]:
    """Say that a session is neither idle nor too old, for the role of its account, which must be joined.

    By the database's clock (ASVS 7.3.1, 7.3.2).
    """
    return and_(
        SignInSession.last_seen_at
        > func.now() - _by_role(settings.session_idle, settings.admin_session_idle),
        SignInSession.created_at
        > func.now() - _by_role(settings.session_lifetime, settings.admin_session_lifetime),
    )


def _by_role(seconds: int, of_admins: int) -> ColumnElement[timedelta]:
    return case((Account.role == Role.ADMIN, timedelta(seconds=of_admins)), else_=timedelta(seconds=seconds))


def open_of(session: Session, settings: Settings, account_id: UUID | None) -> Sequence[SignInSession]:
    """Return the sessions of an account that are in use, the one used last first."""
    return session.scalars(
        select(SignInSession)
        .join(Account, Account.id == SignInSession.account_id)
        .where(SignInSession.account_id == account_id, alive(settings))
        .order_by(SignInSession.last_seen_at.desc(), SignInSession.id)
    ).all()


def providers_of(session: Session, sessions: Sequence[SignInSession]) -> dict[UUID, str]:
    """Return the names of the identity providers that opened ``sessions``, by id: no customer reads them."""
    opened_by = {each.provider_id for each in sessions if each.provider_id}
    if not opened_by:
        return {}
    query = select(IdentityProvider.id, IdentityProvider.name).where(IdentityProvider.id.in_(opened_by))
    return {row.id: row.name for row in session.execute(query)}
