"""Links that are mailed and good once: 256 random bits, kept as SHA-256."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select, update

from app.domain.errors import GoneError
from app.domain.factors import LinkPurpose
from app.models import Account, AccountLink
from app.queries import accounts
from app.uow import UnitOfWork

_REMEMBERED = timedelta(days=30)  # after which nothing is known of a link that ended


@dataclass(frozen=True, slots=True)
class Issued:
    """A new link's row and its token, which cannot be read again."""

    id: UUID
    token: str
    expires_at: datetime


def issue(uow: UnitOfWork, account: Account, purpose: LinkPurpose) -> Issued:
    """Make a link for ``account``.

    Invitations that were mailed before end. New passwords anybody may ask for: if that ended the
    links of before, strangers could keep theirs from the owner. They end with the password.
    """
    if purpose is LinkPurpose.INVITATION:
        end_all(uow, account, purpose)
    token = secrets.token_urlsafe(32)
    lifetime = {
        LinkPurpose.INVITATION: uow.settings.invitation_lifetime,
        LinkPurpose.RESET: uow.settings.reset_lifetime,
    }[purpose]
    row = AccountLink(
        account_id=account.id,
        purpose=purpose,
        token_hash=_digest(token),
        expires_at=func.now() + timedelta(seconds=lifetime),
    )
    uow.session.add(row)
    uow.session.flush()
    return Issued(row.id, token, row.expires_at)


def is_good(uow: UnitOfWork, token: str, purpose: LinkPurpose) -> bool:
    """Whether somebody could use the link now."""
    return _find(uow, token, purpose) is not None


def holder(uow: UnitOfWork, token: str, purpose: LinkPurpose) -> Account:
    """Return whose link it is, without using it.

    Raises:
        GoneError: used, expired, never made, or its account may not come in.
    """
    found = _find(uow, token, purpose)
    if found is None:
        raise GoneError(_GONE[purpose])
    return found.account


def use(uow: UnitOfWork, token: str, purpose: LinkPurpose) -> Account:
    """Use the link up and return whose it is: of all who use it at once, one succeeds.

    Raises:
        GoneError: as above.
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


def forget_old(uow: UnitOfWork) -> None:
    """Delete what ended long ago."""
    uow.session.execute(delete(AccountLink).where(AccountLink.expires_at < func.now() - _REMEMBERED))


def _find(uow: UnitOfWork, token: str, purpose: LinkPurpose) -> AccountLink | None:
    found = uow.session.scalar(
        select(AccountLink).where(
            AccountLink.token_hash == _digest(token),
            AccountLink.purpose == purpose,
            AccountLink.used_at.is_(None),
            AccountLink.expires_at > func.now(),
        )
    )
    return found if found and accounts.by_email(uow.session, found.account.email) else None


_GONE = {
    LinkPurpose.INVITATION: "This invitation was used or has expired. Ask whoever invited you for a new one.",
    LinkPurpose.RESET: "This link was used or has expired. Ask for a new one.",
}


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
