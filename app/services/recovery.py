"""Recovery codes: ten that stand in for a lost second factor, each once."""

from uuid import UUID

from sqlalchemy import delete, func, update

from app.domain import one_time_code
from app.models import Account, RecoveryCode
from app.uow import UnitOfWork

_COUNT = 10


def renew(uow: UnitOfWork, account: Account) -> list[str]:
    """Make new codes and return them: they cannot be read again. Those from before are worth nothing."""
    forget(uow, account)
    codes = [one_time_code.generate_recovery() for _ in range(_COUNT)]
    uow.session.add_all(
        RecoveryCode(account_id=account.id, code_hash=one_time_code.digest(code)) for code in codes
    )
    uow.session.flush()
    return codes


def take(uow: UnitOfWork, account_id: UUID, typed: str | None) -> bool:
    """Whether ``typed`` is one of the account's codes that was not used before; it is now."""
    code = one_time_code.parse_recovery(typed)
    if code is None:
        return False
    taken = uow.session.scalar(
        update(RecoveryCode)
        .where(
            RecoveryCode.account_id == account_id,
            RecoveryCode.code_hash == one_time_code.digest(code),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=func.now())
        .returning(RecoveryCode.id)
        .execution_options(synchronize_session=False)
    )
    return taken is not None


def forget(uow: UnitOfWork, account: Account) -> None:
    """Delete the account's codes, used or not."""
    uow.session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account.id))
