"""What somebody proves with who they are, besides a password."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.models import Passkey, PendingSignIn, RecoveryCode, Totp
from app.queries.accounts import by_email


@dataclass(frozen=True, slots=True)
class Factors:
    """What an account has. ``codes``: recovery codes that are left; ``made``: when they were made."""

    app_since: datetime | None
    passkeys: Sequence[Passkey]
    codes: int
    codes_made: datetime | None

    @property
    def second(self) -> bool:
        """Whether a password alone gets nobody in."""
        return self.app_since is not None or bool(self.passkeys)


def of(session: Session, account_id: UUID | None) -> Factors:
    """Return what the account has."""
    passkeys = session.scalars(
        select(Passkey).where(Passkey.account_id == account_id).order_by(Passkey.created_at, Passkey.id)
    ).all()
    left = session.execute(
        select(func.count(), func.max(RecoveryCode.created_at)).where(
            RecoveryCode.account_id == account_id, RecoveryCode.used_at.is_(None)
        )
    ).one()
    return Factors(
        app_since=session.scalar(select(Totp.confirmed_at).where(Totp.account_id == account_id)),
        passkeys=passkeys,
        codes=left[0],
        codes_made=left[1],
    )


def pending(session: Session, pending_id: UUID) -> PendingSignIn | None:
    """Return a sign-in that owes its second factor; None if it is over, or its person may not come in."""
    found = session.scalar(
        select(PendingSignIn).where(PendingSignIn.id == pending_id, PendingSignIn.expires_at > func.now())
    )
    return found if found and by_email(session, found.account.email) else None
