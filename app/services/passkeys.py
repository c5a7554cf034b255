"""Passkeys that are known. `passkey_making` makes them, `passkey_proof` has what they are good for."""

from uuid import UUID

from sqlalchemy import select

from app.domain import naming
from app.domain.errors import InvalidInputError, NotFoundError
from app.models import Passkey
from app.uow import UnitOfWork

MAX_NAME = 100


def own(uow: UnitOfWork, passkey_id: UUID) -> Passkey:
    """Return one of the actor's passkeys. Raises NotFoundError: none, or somebody else's."""
    found = uow.session.scalar(
        select(Passkey).where(Passkey.id == passkey_id, Passkey.account_id == uow.actor.id)
    )
    if found is None:
        raise NotFoundError
    return found


def rename(uow: UnitOfWork, passkey: Passkey, name: str | None) -> None:
    """Give a passkey another name. Raises InvalidInputError."""
    passkey.name = clean_name(name)
    uow.session.flush()


def clean_name(name: str | None) -> str:
    """Return a name as it is kept. Raises InvalidInputError."""
    clean = " ".join(naming.plain_text(name).split())
    if not 1 <= len(clean) <= MAX_NAME:
        raise InvalidInputError(f"Give the passkey a name of 1 to {MAX_NAME} characters.")
    return clean
