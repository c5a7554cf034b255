"""API tokens: ``dgp_`` and 256 random bits, kept as SHA-256, shown once."""

import hashlib
import secrets
from collections.abc import Collection, Iterable
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert

from app.domain import naming
from app.domain.errors import InvalidInputError, NotFoundError, StateConflictError
from app.domain.policy import Role, Scope, scopes_for
from app.models import Account, ApiToken
from app.services import audit
from app.uow import UnitOfWork

PREFIX = "dgp_"
MAX_NAME = 100


def digest(token: str) -> str:
    """Return what is kept of a token, hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def issue(
    uow: UnitOfWork,
    account: Account,
    name: str,
    *,
    scopes: Iterable[Scope] = tuple(Scope),
    lasts: timedelta | None = None,
    token_id: UUID | None = None,
) -> str:
    """Make a token for ``account`` and return it; it cannot be read again.

    Args:
        uow: of whoever makes it.
        account: whose it is.
        name: by which people know it.
        scopes: what it covers.
        lasts: how long from now, by the database's clock; None: until it is revoked.
        token_id: chosen beforehand, so that a form sent twice makes one token.

    Raises:
        StateConflictError: a token with this id was made already.
    """
    token = PREFIX + secrets.token_urlsafe(32)
    covered = [str(scope) for scope in scopes]
    made = uow.session.scalar(
        insert(ApiToken)
        .values(
            id=token_id or uuid4(),
            account_id=account.id,
            name=name,
            token_hash=digest(token),
            hint=token[: len(PREFIX) + 4],
            scopes=covered,
            expires_at=func.now() + lasts if lasts is not None else None,
        )
        .on_conflict_do_nothing(index_elements=["id"])
        .returning(ApiToken.id)
    )
    if made is None:
        raise StateConflictError("This token was made already, and is shown only once.")
    audit.record(
        uow,
        "token.issued",
        organisation_id=account.organisation_id,
        account=account.email,
        token=str(made),
        name=name,
        scopes=covered,
        days=lasts.days if lasts is not None else None,
    )
    return token


def issue_own(
    uow: UnitOfWork, name: str | None, *, scopes: Collection[Scope], lasts: timedelta | None, token_id: UUID
) -> str:
    """Make a token for the actor, as asked for on the page; see `issue`.

    Raises:
        InvalidInputError: no name, or no scopes that mean anything for the actor's role.
        StateConflictError: as above.
    """
    clean = " ".join(naming.plain_text(name).split())
    if not 1 <= len(clean) <= MAX_NAME:
        raise InvalidInputError(f"Give the token a name of 1 to {MAX_NAME} characters.")
    role = uow.actor.role or Role.CUSTOMER
    if not scopes or not set(scopes) <= set(scopes_for(role)):
        raise InvalidInputError("Choose what the token may do.")
    account = uow.session.get_one(Account, uow.actor.id)
    return issue(uow, account, clean, scopes=scopes, lasts=lasts, token_id=token_id)


def revoke_own(uow: UnitOfWork, token_id: UUID) -> None:
    """End one of the actor's tokens at once.

    Raises:
        NotFoundError: there is none, it is somebody else's, or it was revoked already.
    """
    _revoke(uow, token_id, uow.actor.id, uow.actor.organisation_id)


def revoke_of(uow: UnitOfWork, account: Account, token_id: UUID) -> None:
    """End one of an account's tokens at once. Raises NotFoundError, as above."""
    _revoke(uow, token_id, account.id, account.organisation_id)


def _revoke(uow: UnitOfWork, token_id: UUID, owner: UUID | None, organisation_id: UUID | None) -> None:
    name = uow.session.scalar(
        update(ApiToken)
        .where(ApiToken.id == token_id, ApiToken.account_id == owner, ApiToken.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .returning(ApiToken.name)
        .execution_options(synchronize_session=False)
    )
    if name is None:
        raise NotFoundError
    audit.record(uow, "token.revoked", organisation_id=organisation_id, token=str(token_id), name=name)


def revoke_all(uow: UnitOfWork, account: Account) -> None:
    """End every token of an account at once."""
    uow.session.execute(
        update(ApiToken)
        .where(ApiToken.account_id == account.id, ApiToken.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .execution_options(synchronize_session=False)
    )
