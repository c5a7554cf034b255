"""One-time codes by time, of an app on a phone (RFC 6238): SHA-1, 6 digits, 30 seconds."""

import hmac
from urllib.parse import urlsplit
from uuid import UUID

import pyotp
from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from app.domain import one_time_code
from app.domain.errors import StateConflictError
from app.models import Account, Totp
from app.services import audit, vault
from app.uow import UnitOfWork

_STEP = 30  # seconds
_DRIFT = 1  # steps by which a phone's clock may be off
_PURPOSE = "totp"


def propose(uow: UnitOfWork, account: Account) -> None:
    """Make a new secret for ``account``, to be confirmed by a code.

    Raises:
        StateConflictError: an app has been confirmed already.
    """
    made = uow.session.scalar(
        insert(Totp)
        .values(account_id=account.id, secret=vault.seal(uow.settings, _PURPOSE, pyotp.random_base32()))
        .on_conflict_do_update(
            index_elements=["account_id"],
            set_={"secret": insert(Totp).excluded.secret, "created_at": func.now()},
            where=Totp.confirmed_at.is_(None),
        )
        .returning(Totp.account_id)
    )
    if made is None:
        raise StateConflictError("You have an app already. Remove that one first.")
    audit.record(uow, "factor.app_proposed", person=account)


def proposed(uow: UnitOfWork, account: Account) -> tuple[str, str] | None:
    """Return the secret that waits to be confirmed (Base32), and its ``otpauth:`` address, if one does."""
    sealed = uow.session.scalar(
        select(Totp.secret).where(Totp.account_id == account.id, Totp.confirmed_at.is_(None))
    )
    if sealed is None:
        return None
    secret = vault.unseal(uow.settings, _PURPOSE, sealed)
    host = urlsplit(uow.settings.base_url).hostname
    address = pyotp.TOTP(secret, name=account.email, issuer=f"Diagport ({host})").provisioning_uri()
    return secret, address


def confirm(uow: UnitOfWork, account: Account, typed: str | None) -> bool:
    """Put what was proposed to use if ``typed`` is a code of it. That code gets nobody in any more."""
    return _take(uow, account.id, typed, confirmed=False)


def take(uow: UnitOfWork, account_id: UUID, typed: str | None) -> bool:
    """Whether ``typed`` is a code of the account's app that was not taken before; it is now.

    What is compared is the time step, in the row itself: however a code is written, and however many
    take it at once, it is good once.
    """
    return _take(uow, account_id, typed, confirmed=True)


def remove(uow: UnitOfWork, account: Account) -> bool:
    """Forget the account's app, or the one that was proposed; return whether one was in use."""
    confirmed_at = uow.session.scalar(
        delete(Totp).where(Totp.account_id == account.id).returning(Totp.confirmed_at)
    )
    return confirmed_at is not None


def _take(uow: UnitOfWork, account_id: UUID, typed: str | None, *, confirmed: bool) -> bool:
    code = one_time_code.parse_digits(typed)
    in_use = Totp.confirmed_at.is_not(None) if confirmed else Totp.confirmed_at.is_(None)
    row = uow.session.execute(
        select(Totp.secret, func.extract("epoch", func.clock_timestamp())).where(
            Totp.account_id == account_id, in_use
        )
    ).one_or_none()
    if code is None or row is None:
        return False
    counter = _counter(vault.unseal(uow.settings, _PURPOSE, row[0]), code, int(row[1]) // _STEP)
    if counter is None:
        return False
    taken = uow.session.scalar(
        update(Totp)
        .where(
            Totp.account_id == account_id,
            Totp.secret == row[0],
            in_use,
            or_(Totp.last_counter.is_(None), Totp.last_counter < counter),
        )
        .values({"last_counter": counter} | ({} if confirmed else {"confirmed_at": func.now()}))
        .returning(Totp.account_id)
        .execution_options(synchronize_session=False)
    )
    return taken is not None


def _counter(secret: str, code: str, now: int) -> int | None:
    """Return the latest time step of those that are good now whose code it is."""
    app = pyotp.TOTP(secret)
    fitting = [
        counter
        for counter in range(now - _DRIFT, now + _DRIFT + 1)
        if hmac.compare_digest(app.generate_otp(counter), code)
    ]
    return max(fitting, default=None)
