"""Links that are mailed and good once: 256 random bits, kept as SHA-256."""

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import func, select, update

from app.domain.errors import GoneError
from app.domain.factors import LinkPurpose
from app.models import Account, AccountLink
from app.uow import UnitOfWork


def issue(uow: UnitOfWork, account: Account, purpose: LinkPurpose) -> str:
    """Make a link's token for ``account`` and return it; links made before for the same purpose end."""
    end_all(uow, account, purpose)
    token = secrets.token_urlsafe(32)
    lifetime = {
        LinkPurpose.INVITATION: uow.settings.invitation_lifetime,
        LinkPurpose.RESET: uow.settings.reset_lifetime,
    }[purpose]
    uow.session.add(
        AccountLink(
            account_id=account.id,
            purpose=purpose,
            token_hash=_digest(token),
            expires_at=func.now() + timedelta(seconds=lifetime),
        )
    )
    uow.session.flush()
    return token


def holder(uow: UnitOfWork, token: str, purpose: LinkPurpose) -> Account:
    """Return whose link it is, without using it. Raises GoneError: used, expired, or never made."""
    found = uow.session.scalar(
        select(AccountLink).where(
            AccountLink.token_hash == _digest(token),
            AccountLink.purpose == purpose,
            AccountLink.used_at.is_(None),
            AccountLink.expires_at > func.now(),
        )
    )
    if found is None or not found.account.active:
        raise GoneError(_GONE[purpose])
    return found.account


def use(uow: UnitOfWork, token: str, purpose: LinkPurpose) -> Account:
    """Use the link up and return whose it is: of all who use it at once, one succeeds.

    Raises:
        GoneError: used, expired, or never made.
    """
    account = holder(uow, token, purpose)
    used = uow.session.scalar(
        update(AccountLink)
        .where(AccountLink.token_hash == _digest(token), AccountLink.used_at.is_(None))
        .values(used_at=func.now())
        .returning(AccountLink.id)
        .execution_options(synchronize_session=False)
    )
    if used is None:
        raise GoneError(_GONE[purpose])
    return account


def end_all(uow: UnitOfWork, account: Account, purpose: LinkPurpose) -> None:
    """End what was mailed for ``purpose`` and not used."""
    uow.session.execute(
        update(AccountLink)
        .where(
            AccountLink.account_id == account.id,
            AccountLink.purpose == purpose,
            AccountLink.used_at.is_(None),
        )
        .values(used_at=func.now())
        .execution_options(synchronize_session=False)
    )


_GONE = {
    LinkPurpose.INVITATION: "This invitation was used or has expired. Ask whoever invited you for a new one.",
    LinkPurpose.RESET: "This link was used or has expired. Ask for a new one.",
}


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
