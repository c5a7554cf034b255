"""Issuers of tokens, and the machines that come with tokens of ours."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.domain.access_token import Said
from app.domain.errors import NotFoundError
from app.models import Account, AccountKind, Organisation, TokenIssuer
from app.queries.accounts import USE_GRAIN


@dataclass(frozen=True, slots=True)
class Named:
    """The issuer that a token names; ``unnoted``: its use is to be written down; ``now``: the database's."""

    issuer: TokenIssuer
    unnoted: bool
    now: datetime


def named_by(session: Session, said: Said) -> Named | None:
    """Return the issuer that a token names; None if there is none, or it or its machine may not come.

    Also where a token with several audiences names several: who came could not be told.
    """
    rows = session.execute(
        select(
            TokenIssuer,
            func.coalesce(TokenIssuer.last_used_at < func.now() - USE_GRAIN, True),
            func.now(),
        )
        .join(Account, Account.id == TokenIssuer.account_id)
        .join(Organisation, Organisation.id == Account.organisation_id)
        .where(
            TokenIssuer.issuer == said.issuer,
            TokenIssuer.client_id == said.client,
            TokenIssuer.audience.in_(said.audiences),
            TokenIssuer.disabled_at.is_(None),
            Account.active,
            Organisation.suspended_at.is_(None),
        )
        .limit(2)
    ).all()
    return Named(*rows[0]) if len(rows) == 1 else None


def in_order(session: Session) -> Sequence[TokenIssuer]:
    """Return all issuers, by organisation and name."""
    query = select(TokenIssuer).join(Account, Account.id == TokenIssuer.account_id)
    query = query.join(Organisation, Organisation.id == Account.organisation_id)
    return session.scalars(query.order_by(Organisation.name, TokenIssuer.name, TokenIssuer.id)).all()


def get(session: Session, issuer_id: UUID) -> TokenIssuer:
    """Return one. Raises NotFoundError."""
    found = session.get(TokenIssuer, issuer_id)
    if found is None:
        raise NotFoundError
    return found


def machines(session: Session) -> Sequence[Account]:
    """Return the machines that come with tokens of ours, by organisation and name."""
    theirs = select(TokenIssuer.account_id)
    query = select(Account).join(Organisation, Organisation.id == Account.organisation_id)
    query = query.where(Account.kind == AccountKind.MACHINE, Account.id.not_in(theirs))
    return session.scalars(query.order_by(Organisation.name, Account.name, Account.id)).all()


def machine(session: Session, account_id: UUID) -> Account:
    """Return one of them. Raises NotFoundError."""
    found = session.get(Account, account_id)
    issued = select(TokenIssuer.id).where(TokenIssuer.account_id == account_id)
    if found is None or found.kind is not AccountKind.MACHINE or session.scalar(issued):
        raise NotFoundError
    return found
