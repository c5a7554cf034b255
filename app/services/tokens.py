"""API tokens: ``dgp_`` and 256 random bits, kept as SHA-256, shown once."""

import hashlib
import secrets

from app.models import Account, ApiToken
from app.services import audit
from app.uow import UnitOfWork

PREFIX = "dgp_"


def digest(token: str) -> str:
    """Return what is kept of a token, hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def issue(uow: UnitOfWork, account: Account, name: str) -> str:
    """Make a token for ``account`` and return it; it cannot be read again."""
    token = PREFIX + secrets.token_urlsafe(32)
    uow.session.add(ApiToken(account_id=account.id, name=name, token_hash=digest(token)))
    audit.record(
        uow, "token.issued", organisation_id=account.organisation_id, account=account.email, name=name
    )
    return token
