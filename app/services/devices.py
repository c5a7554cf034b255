"""Browsers from which people have signed in, so that they hear of a sign-in from another."""

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import delete, exists, func, select, update

from app.domain.events import Event
from app.domain.payloads import DeviceFacts
from app.models import Account, KnownDevice
from app.services import notices
from app.uow import UnitOfWork

REMEMBERED = timedelta(days=400)  # no browser keeps a cookie for longer (RFC 6265bis)


def recognise(uow: UnitOfWork, account: Account, token: str | None, device: str) -> str | None:
    """Note that ``account`` signs in from the browser that carries ``token``.

    From one that was never seen its owner is told, unless it is the first of all. Return the token
    that the browser is to carry from now on; None if it carries a good one. ``device`` names the browser
    in words.
    """
    if token and _seen_again(uow, account, token):
        return None
    first = not uow.session.scalar(select(exists().where(KnownDevice.account_id == account.id)))
    fresh = secrets.token_urlsafe(32)
    row = KnownDevice(account_id=account.id, token_hash=_digest(fresh))
    uow.session.add(row)
    uow.session.flush()
    if not first:
        notices.announce(
            uow,
            Event.ACCOUNT_NEW_DEVICE,
            payload=DeviceFacts(
                account=account.email,
                device=device,
                address=uow.actor.address,
                at=row.last_seen_at.isoformat(),
            ),
            organisation_id=account.organisation_id,
            account_id=account.id,
            occasion=str(row.id),
        )
    return fresh


def _seen_again(uow: UnitOfWork, account: Account, token: str) -> bool:
    seen = uow.session.scalar(
        update(KnownDevice)
        .where(KnownDevice.account_id == account.id, KnownDevice.token_hash == _digest(token))
        .values(last_seen_at=func.now())
        .returning(KnownDevice.id)
    )
    return seen is not None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def forget_old(uow: UnitOfWork) -> None:
    """Delete those whose cookie no browser can have any more."""
    uow.session.execute(delete(KnownDevice).where(KnownDevice.last_seen_at < func.now() - REMEMBERED))
