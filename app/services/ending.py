"""Ending what somebody has open, at once (ASVS 7.4.2, 8.3.2)."""

from sqlalchemy import delete, update

from app.models import Account, PendingSignIn, SignInSession, Upload
from app.services import tokens
from app.uow import UnitOfWork


def end_all(uow: UnitOfWork, account: Account) -> None:
    """End what somebody opened who is somebody else now, in role or organisation (T11)."""
    sign_out(uow, account)
    tokens.revoke_all(uow, account)
    _forget_keys(uow, account)


def sign_out(uow: UnitOfWork, account: Account) -> int:
    """End every session, and every sign-in that is half done; return how many sessions there were."""
    half_done = delete(PendingSignIn).where(PendingSignIn.account_id == account.id)
    uow.session.execute(half_done.execution_options(synchronize_session=False))
    ended = uow.session.scalars(
        delete(SignInSession)
        .where(SignInSession.account_id == account.id)
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
