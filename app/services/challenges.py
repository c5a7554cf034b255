"""What passkeys sign: random, for one purpose, once and soon."""

import secrets
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func

from app.domain.errors import GoneError
from app.domain.factors import Ceremony
from app.models import PasskeyChallenge
from app.uow import UnitOfWork

_LIFETIME = timedelta(minutes=5)
MILLISECONDS = int(_LIFETIME.total_seconds()) * 1000  # for browsers


def issue(uow: UnitOfWork, purpose: Ceremony, account_id: UUID | None) -> PasskeyChallenge:
    """Make a challenge for a passkey of ``account_id``; None: for whoever's it is."""
    row = PasskeyChallenge(
        account_id=account_id,
        purpose=purpose,
        challenge=secrets.token_bytes(64),
        expires_at=func.now() + _LIFETIME,
    )
    uow.session.add(row)
    uow.session.flush()
    return row


def take(uow: UnitOfWork, challenge_id: UUID | None, purpose: Ceremony, account_id: UUID | None) -> bytes:
    """Use the challenge up and return it; commit before the answer to it is looked at.

    Raises:
        GoneError: it was answered, has expired, or was made for something or somebody else.
    """
    taken = uow.session.scalar(
        delete(PasskeyChallenge)
        .where(
            PasskeyChallenge.id == challenge_id,
            PasskeyChallenge.purpose == purpose,
            PasskeyChallenge.account_id.is_not_distinct_from(account_id),
            PasskeyChallenge.expires_at > func.now(),
        )
        .returning(PasskeyChallenge.challenge)
        .execution_options(synchronize_session=False)
    )
    if taken is None:
        raise GoneError("That took too long, or was answered before. Try again.")
    return taken


def forget_old(uow: UnitOfWork) -> None:
    """Delete what can be answered no more."""
    uow.session.execute(delete(PasskeyChallenge).where(PasskeyChallenge.expires_at < func.now()))
