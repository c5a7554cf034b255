"""The tokens that somebody has."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.models import ApiToken


@dataclass(frozen=True, slots=True)
class HeldToken:
    """``expired``: it is good for nothing any more, by the database's clock."""

    token: ApiToken
    expired: bool


def held_by(session: Session, account_id: UUID | None) -> list[HeldToken]:
    """Return the tokens of an account that were not revoked, newest first."""
    rows = session.execute(
        select(ApiToken, func.coalesce(ApiToken.expires_at <= func.now(), False))
        .where(ApiToken.account_id == account_id, ApiToken.revoked_at.is_(None))
        .order_by(ApiToken.created_at.desc(), ApiToken.id)
    )
    return [HeldToken(token, expired) for token, expired in rows]
