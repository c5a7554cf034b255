"""Organisations and the people in them."""

import re

from sqlalchemy import delete, func, select

from app.domain import naming
from app.domain.errors import InvalidInputError, StateConflictError
from app.domain.policy import Role
from app.models import Account, Organisation, SignInSession
from app.services import audit, passwords, tokens
from app.uow import UnitOfWork

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def ensure_organisation(uow: UnitOfWork, slug: str, name: str | None = None) -> Organisation:
    """Return the organisation with this slug, made now if there was none.

    Raises:
        InvalidInputError: not a slug.
    """
    if not _SLUG.fullmatch(slug):
        raise InvalidInputError(
            "An organisation's short name has lower-case letters, digits and hyphens, 63 at most."
        )
    found = uow.session.scalar(select(Organisation).where(Organisation.slug == slug))
    if found is not None:
        return found
    organisation = Organisation(slug=slug, name=name or slug.capitalize())
    uow.session.add(organisation)
    uow.session.flush()
    audit.record(uow, "organisation.created", organisation_id=organisation.id, slug=slug)
    return organisation


def create(
    uow: UnitOfWork,
    *,
    email: str,
    role: Role,
    password: str,
    name: str | None = None,
    organisation: Organisation | None = None,
) -> Account:
    """Add a person.

    Raises:
        InvalidInputError: the address, the password or the pairing of role and organisation.
        StateConflictError: the address is taken.
    """
    email = naming.clean_email(email)
    password_hash = _hash(password)
    if (role is Role.CUSTOMER) != (organisation is not None):
        raise InvalidInputError("A customer belongs to an organisation; engineers and admins to none.")
    if uow.session.scalar(select(Account.id).where(func.lower(Account.email) == email.lower())):
        raise StateConflictError(f"There is already an account for {email}.")
    account = Account(
        email=email,
        name=name or email.partition("@")[0],
        role=role,
        organisation_id=organisation.id if organisation else None,
        password_hash=password_hash,
    )
    uow.session.add(account)
    uow.session.flush()
    audit.record(uow, "account.created", organisation_id=account.organisation_id, email=email, role=role)
    return account


def set_password(uow: UnitOfWork, account: Account, password: str) -> None:
    """Replace the password, and end every session and token of the account (ASVS 7.4.3).

    Raises:
        InvalidInputError: too short or too long.
    """
    account.password_hash = _hash(password)
    uow.session.execute(delete(SignInSession).where(SignInSession.account_id == account.id))
    tokens.revoke_all(uow, account)
    audit.record(uow, "account.password_set", organisation_id=account.organisation_id, account=account.email)


def _hash(password: str) -> str:
    if not passwords.MIN_LENGTH <= len(password) <= passwords.MAX_LENGTH:
        raise InvalidInputError(
            f"A password has {passwords.MIN_LENGTH} to {passwords.MAX_LENGTH} characters."
        )
    return passwords.hash_password(password)
