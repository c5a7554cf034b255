"""API tokens: ``dgp_`` and 256 random bits, kept as SHA-256, shown once."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime

from app.domain.policy import Scope
from app.models import Account, ApiToken
from app.services import audit
from app.uow import UnitOfWork

PREFIX = "dgp_"


def digest(token: str) -> str:
    """Return what is kept of a token, hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def issue(
    uow: UnitOfWork,
    account: Account,
    name: str,
    *,
    scopes: Iterable[Scope] = tuple(Scope),
    expires_at: datetime | None = None,
) -> str:
    """Make a token for ``account`` and return it; it cannot be read again."""
    token = PREFIX + secrets.token_urlsafe(32)
    uow.session.add(
        ApiToken(
            account_id=account.id,
            name=name,
            token_hash=digest(token),
            hint=token[: len(PREFIX) + 4],
            scopes=[str(scope) for scope in scopes],
            expires_at=expires_at,
        )
    )
    audit.record(
        uow, "token.issued", organisation_id=account.organisation_id, account=account.email, name=name
    )
    return token
