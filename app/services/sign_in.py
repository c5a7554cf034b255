"""Sessions: made at sign-in, kept alive by use, ended by deleting the row."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import delete, func, null, select, update

from app.domain.errors import NotSignedInError
from app.domain.factors import Factor
from app.models import Account, ApiToken, SignInSession
from app.queries.accounts import USE_GRAIN
from app.services import audit
from app.uow import UnitOfWork


def begin(
    uow: UnitOfWork,
    account: Account,
    *,
    user_agent: str | None,
    factors: Iterable[Factor] = (Factor.PASSWORD,),
    provider_id: UUID | None = None,
) -> SignInSession:
    """Open a session for the actor, who proved by ``factors`` who they are."""
    row = SignInSession(
        account_id=account.id,
        address=uow.actor.address,
        user_agent=(user_agent or "").replace("\x00", "")[:400] or None,
        factors=[str(factor) for factor in factors],
        provider_id=provider_id,
    )
    uow.session.add(row)
    uow.session.execute(
        update(Account)
        .where(Account.id == account.id)
        .values(signed_in_at=func.now())
        .execution_options(synchronize_session=False)
    )
    uow.session.flush()
    audit.record(uow, "session.begun", person=account, account=account.email, factors=row.factors)
    return row


def refused(uow: UnitOfWork, email: str, address: str | None) -> None:
    """Leave a trace of a sign-in that did not succeed."""
    audit.record(uow, "session.refused", email=email.replace("\x00", "")[:254], address=address)


def confirm(uow: UnitOfWork, session_id: UUID, factor: str) -> UUID:
    """Note that the actor proved anew who they are, by ``factor``; return the session's new id.

    The row goes on under another id, so that a cookie from before is worth nothing. It ends when
    it would have ended.

    Raises:
        NotSignedInError: the session ended meanwhile.
    """
    renewed = uow.session.scalar(
        update(SignInSession)
        .where(SignInSession.id == session_id)
        .values(id=uuid4(), confirmed_at=func.now(), last_seen_at=func.now())
        .returning(SignInSession.id)
        .execution_options(synchronize_session=False)
    )
    if renewed is None:
        raise NotSignedInError("Your session has ended. Sign in again.")
    audit.record(uow, "session.confirmed", organisation_id=uow.actor.organisation_id, factor=factor)
    return renewed


def keep(uow: UnitOfWork, session_id: UUID, path: str, fields: Mapping[str, str]) -> None:
    """Keep what was typed into the form at ``path``, for after the person has proved who they are."""
    clean = {name: value.replace("\x00", "") for name, value in fields.items()}  # no JSON in Postgres has one
    _set_kept(uow, session_id, {"path": path, "fields": clean})


def forget_kept(uow: UnitOfWork, session_id: UUID) -> None:
    """Forget what was kept: the form has been taken."""
    _set_kept(uow, session_id, None)


def _set_kept(uow: UnitOfWork, session_id: UUID, kept: dict[str, Any] | None) -> None:
    # null() is SQL's: JSON has a null of its own
    uow.session.execute(
        update(SignInSession)
        .where(SignInSession.id == session_id)
        .values(kept=null() if kept is None else kept)
        .execution_options(synchronize_session=False)
    )


def end(uow: UnitOfWork, session_id: UUID) -> None:
    """End one session; one that has ended already is no error."""
    uow.session.execute(delete(SignInSession).where(SignInSession.id == session_id))
    audit.record(uow, "session.ended", organisation_id=uow.actor.organisation_id)


def touch_session(uow: UnitOfWork, session_id: UUID, address: str | None) -> None:
    """Note that the session was used just now from ``address``, once a minute at most for the same one."""
    unnoted = (SignInSession.last_seen_at < func.now() - USE_GRAIN) | SignInSession.address.is_distinct_from(
        address
    )
    uow.session.execute(
        update(SignInSession)
        .where(SignInSession.id == session_id, unnoted)
        .values(last_seen_at=func.now(), address=address)
    )


def touch_token(uow: UnitOfWork, token_id: UUID) -> None:
    """Note that the token was used just now, once a minute at most."""
    due = (
        select(ApiToken.id)
        .where(
            ApiToken.id == token_id,
            ApiToken.last_used_at.is_(None) | (ApiToken.last_used_at < func.now() - USE_GRAIN),
        )
        # Of a crowd that comes with one token one writes, and the others need not wait for it.
        .with_for_update(skip_locked=True, key_share=True)
    )
    uow.session.execute(
        update(ApiToken).where(ApiToken.id.in_(due.scalar_subquery())).values(last_used_at=func.now())
    )
