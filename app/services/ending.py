"""Ending what somebody has open, at once (ASVS 7.4.2, 8.3.2)."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Select, delete, update

from app.models import Account, PendingSignIn, SignInSession, Upload
from app.services import tokens
from app.uow import UnitOfWork


def end_all(uow: UnitOfWork, account: Account) -> None:
    """End what somebody opened who is somebody else now, in role or organisation (T11)."""
    sign_out(uow, [account.id])
    tokens.revoke_all(uow, account)
    _forget_keys(uow, account)


def sign_out(
    uow: UnitOfWork, account_ids: Collection[UUID] | Select[UUID], *, but: UUID | None = None
) -> int:
    """End every session of these accounts ``but`` one; return how many sessions ended.

    Sign-ins that are half done end as well, every one: whoever began it may have the password.
    """
    half_done = delete(PendingSignIn).where(PendingSignIn.account_id.in_(account_ids))
    uow.session.execute(half_done.execution_options(synchronize_session=False))
    ended = uow.session.scalars(
        delete(SignInSession)
        .where(SignInSession.account_id.in_(account_ids), SignInSession.id.is_distinct_from(but))
        .returning(SignInSession.id)
        .execution_options(synchronize_session=False)
    ).all()
    return len(ended)


def _forget_keys(uow: UnitOfWork, account: Account) -> None:
    """Free the idempotency keys of what was sent for another organisation: it is seen no more."""
    elsewhere = Upload.organisation_id.is_distinct_from(account.organisation_id)
    uow.session.execute(
        update(Upload)
        .where(Upload.uploader_id == account.id, elsewhere, Upload.idempotency_key.is_not(None))
        .values(idempotency_key=None)
        .execution_options(synchronize_session=False)
    )
