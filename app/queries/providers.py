"""The identity providers that there are."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.domain.errors import NotFoundError
from app.models import Identity, IdentityProvider, SignInSession


def all_of_them(session: Session) -> Sequence[IdentityProvider]:
    """Return every provider, by name."""
    return session.scalars(
        select(IdentityProvider).order_by(IdentityProvider.name, IdentityProvider.id)
    ).all()


def listed(session: Session) -> Sequence[IdentityProvider]:
    """Return those that the sign-in page names to everybody, by name."""
    return session.scalars(
        select(IdentityProvider)
        .where(IdentityProvider.listed, IdentityProvider.disabled_at.is_(None))
        .order_by(IdentityProvider.name, IdentityProvider.id)
    ).all()


def any_domain(session: Session) -> bool:
    """Whether some people's mail domains lead to a provider."""
    query = select(IdentityProvider.id).where(
        IdentityProvider.domains != [], IdentityProvider.disabled_at.is_(None)
    )
    return session.scalar(query.limit(1)) is not None


def get(session: Session, provider_id: UUID) -> IdentityProvider:
    """Return a provider, disabled or not. Raises NotFoundError."""
    provider = session.get(IdentityProvider, provider_id)
    if provider is None:
        raise NotFoundError
    return provider


def by_slug(session: Session, slug: str) -> IdentityProvider:
    """Return the provider that people sign in by at this address.

    Raises:
        NotFoundError: there is none, or it is disabled.
    """
    provider = session.scalar(
        select(IdentityProvider).where(
            IdentityProvider.slug == slug.replace("\x00", ""), IdentityProvider.disabled_at.is_(None)
        )
    )
    if provider is None:
        raise NotFoundError("Nobody signs in this way any more. Start at the sign-in page.")
    return provider


def by_domain(session: Session, domain: str) -> IdentityProvider | None:
    """Return the provider for people whose mail addresses are of ``domain``, if there is one."""
    if not domain or "\x00" in domain:
        return None
    return session.scalar(
        select(IdentityProvider)
        .where(IdentityProvider.domains.contains([domain]), IdentityProvider.disabled_at.is_(None))
        .order_by(IdentityProvider.created_at, IdentityProvider.id)
        .limit(1)
    )


def of_session(session: Session, session_id: UUID | None) -> IdentityProvider | None:
    """Return the provider that a session was opened by, if it was one and is not disabled."""
    return session.scalar(
        select(IdentityProvider)
        .join(SignInSession, SignInSession.provider_id == IdentityProvider.id)
        .where(SignInSession.id == session_id, IdentityProvider.disabled_at.is_(None))
    )


def people(session: Session, provider_id: UUID) -> int:
    """Count the accounts that are known by the provider."""
    return (
        session.scalar(select(func.count()).select_from(Identity).where(Identity.provider_id == provider_id))
        or 0
    )
