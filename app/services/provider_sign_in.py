"""People who were sent to a provider: what must be the same when they come back (RFC 9700 section 4.7).

What is kept belongs to one browser, is good once, and for ten minutes of the database's clock.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, select

from app.domain.errors import BadRequestError
from app.models import IdentityProvider, ProviderSignIn
from app.ports.openid import Departure
from app.uow import UnitOfWork

LIFETIME = 600  # seconds

_MAX_TARGET = 2000


@dataclass(frozen=True, slots=True)
class Kept:
    """What was kept of a departure. ``began`` and ``now`` are seconds since 1970 by the database's clock."""

    nonce: str
    verifier: str
    target: str
    session_id: UUID | None  # of the session to be confirmed; None: a sign-in
    began: float
    now: float


def begin(
    uow: UnitOfWork,
    provider: IdentityProvider,
    departure: Departure,
    *,
    browser: str,
    target: str,
    session_id: UUID | None,
) -> None:
    """Keep what ``browser``, a secret in its session cookie, must come back with."""
    uow.session.add(
        ProviderSignIn(
            provider_id=provider.id,
            state_hash=_digest(departure.state),
            browser_hash=_digest(browser),
            nonce=departure.nonce,
            verifier=departure.verifier,
            target=target if len(target) <= _MAX_TARGET else "/",
            session_id=session_id,
            expires_at=func.now() + timedelta(seconds=LIFETIME),
        )
    )


def was_given(uow: UnitOfWork, state: str) -> bool:
    """Whether anybody was sent away with ``state`` and is not back yet; maybe too long ago."""
    given = select(ProviderSignIn.id).where(ProviderSignIn.state_hash == _digest(state))
    return bool(uow.session.scalar(select(given.exists())))


def finish(uow: UnitOfWork, provider: IdentityProvider, state: str, browser: str) -> Kept:
    """Use up what was kept: of all who come back with it at once, one succeeds.

    Raises:
        BadRequestError: it was used, is too old, or is another browser's or provider's.
    """
    found = uow.session.execute(
        delete(ProviderSignIn)
        .where(
            ProviderSignIn.state_hash == _digest(state),
            ProviderSignIn.browser_hash == _digest(browser),
            ProviderSignIn.provider_id == provider.id,
            ProviderSignIn.expires_at > func.now(),
        )
        .returning(
            ProviderSignIn.nonce,
            ProviderSignIn.verifier,
            ProviderSignIn.target,
            ProviderSignIn.session_id,
            func.extract("epoch", ProviderSignIn.created_at),
            func.extract("epoch", func.now()),
        )
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if found is None:
        raise stale()
    return Kept(found[0], found[1], found[2], found[3], float(found[4]), float(found[5]))


def stale() -> BadRequestError:
    """Return what is said to whoever comes back with what was not kept for them."""
    return BadRequestError(
        "This sign-in was not begun in this browser, was used already, or took longer than ten minutes.",
        why="state",
    )


def forget_old(uow: UnitOfWork) -> None:
    """Delete what nobody came back with in time."""
    uow.session.execute(delete(ProviderSignIn).where(ProviderSignIn.expires_at < func.now()))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
