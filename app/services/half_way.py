"""Sign-ins that are half done: one factor is proved, another is owed."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, update

from app.domain.errors import NotSignedInError
from app.domain.factors import Factor
from app.models import Account, PendingSignIn
from app.queries import factors
from app.uow import UnitOfWork

_TARGET_LENGTH = 2000  # of the column
MAX_FAILURES = 5  # wrong codes, from wherever they come; then the first factor is to be proved again


def begin(uow: UnitOfWork, account: Account, factor: Factor, target: str) -> UUID:
    """Note that ``account`` proved ``factor`` and owes another; return the row's id.

    ``target`` is where the person wanted to go; a longer path than is kept is forgotten.
    """
    row = PendingSignIn(
        account_id=account.id,
        factor=factor,
        target=target if len(target) <= _TARGET_LENGTH else "/",
        expires_at=func.now() + timedelta(seconds=uow.settings.second_factor_seconds),
    )
    uow.session.add(row)
    uow.session.flush()
    return row.id


def count_try(uow: UnitOfWork, pending_id: UUID) -> int:
    """Count a code as wrong, before it is looked at; commit before that. Return how many that makes.

    Right ones need not be taken back: with them the row goes.

    Raises:
        NotSignedInError: enough were wrong, or it is over.
    """
    counted = uow.session.scalar(
        update(PendingSignIn)
        .where(
            PendingSignIn.id == pending_id,
            PendingSignIn.failures < MAX_FAILURES,
            PendingSignIn.expires_at > func.now(),
        )
        .values(failures=PendingSignIn.failures + 1)
        .returning(PendingSignIn.failures)
        .execution_options(synchronize_session=False)
    )
    if counted is None:
        raise NotSignedInError("That took too long, or too many codes were wrong. Sign in again.")
    return counted


def end(uow: UnitOfWork, pending_id: UUID) -> None:
    """End it: its person begins anew. One that is over already is no error."""
    uow.session.execute(delete(PendingSignIn).where(PendingSignIn.id == pending_id))


def use(uow: UnitOfWork, pending_id: UUID) -> PendingSignIn:
    """Use it up, now that the second factor is proved: of all who do so at once, one succeeds.

    Raises:
        NotSignedInError: it was used, has expired, or its person may not come in any more.
    """
    found = factors.pending(uow.session, pending_id)
    taken = uow.session.scalar(
        delete(PendingSignIn)
        .where(PendingSignIn.id == pending_id)
        .returning(PendingSignIn.id)
        .execution_options(synchronize_session=False)
    )
    if found is None or taken is None:
        raise NotSignedInError("That took too long. Sign in again.")
    return found


def forget_old(uow: UnitOfWork) -> None:
    """Delete what can be finished no more."""
    uow.session.execute(delete(PendingSignIn).where(PendingSignIn.expires_at < func.now()))
