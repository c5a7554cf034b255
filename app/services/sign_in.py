"""Sessions: made at sign-in, kept alive by use, ended by deleting the row."""

from uuid import UUID

from sqlalchemy import delete, func, update

from app.models import Account, ApiToken, SignInSession
from app.queries.accounts import USE_GRAIN
from app.services import audit
from app.uow import UnitOfWork


def begin(uow: UnitOfWork, account: Account, *, user_agent: str | None) -> SignInSession:
    """Open a session for the actor, whose password was verified."""
    row = SignInSession(
        account_id=account.id, address=uow.actor.address, user_agent=(user_agent or "")[:400] or None
    )
    uow.session.add(row)
    uow.session.flush()
    audit.record(uow, "session.begun", organisation_id=account.organisation_id, account=account.email)
    return row


def refused(uow: UnitOfWork, email: str, address: str | None) -> None:
    """Leave a trace of a sign-in that did not succeed."""
    audit.record(uow, "session.refused", email=email.replace("\x00", "")[:254], address=address)


def end(uow: UnitOfWork, session_id: UUID) -> None:
    """End one session; one that has ended already is no error."""
    uow.session.execute(delete(SignInSession).where(SignInSession.id == session_id))
    audit.record(uow, "session.ended", organisation_id=uow.actor.organisation_id)


def touch_session(uow: UnitOfWork, session_id: UUID) -> None:
    """Note that the session was used just now, once a minute at most."""
    uow.session.execute(
        update(SignInSession)
        .where(SignInSession.id == session_id, SignInSession.last_seen_at < func.now() - USE_GRAIN)
        .values(last_seen_at=func.now())
    )


def touch_token(uow: UnitOfWork, token_id: UUID) -> None:
    """Note that the token was used just now, once a minute at most."""
    uow.session.execute(
        update(ApiToken)
        .where(
            ApiToken.id == token_id,
            ApiToken.last_used_at.is_(None) | (ApiToken.last_used_at < func.now() - USE_GRAIN),
        )
        .values(last_used_at=func.now())
    )
