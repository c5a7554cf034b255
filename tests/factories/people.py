"""Organisations, accounts and tokens for tests."""

from itertools import count

from app.domain.policy import Actor, Role
from app.models import Account, Organisation
from app.queries.accounts import actor_of
from app.services import accounts, tokens
from app.system import System

PASSWORD = "correct horse battery"
_number = count(1)


def make_organisation(system: System, slug: str | None = None) -> Organisation:
    with system.work() as uow:
        return accounts.ensure_organisation(uow, slug or f"org-{next(_number)}")


def make_account(
    system: System, role: Role = Role.CUSTOMER, organisation: Organisation | None = None
) -> Account:
    """Make somebody; a customer gets an organisation of their own unless one is given."""
    if role is Role.CUSTOMER and organisation is None:
        organisation = make_organisation(system)
    with system.work() as uow:
        account = accounts.create(
            uow,
            email=f"{role}-{next(_number)}@example.com",
            role=role,
            password=PASSWORD,
            organisation=organisation,
        )
        uow.session.refresh(account)
    return account


def make_actor(system: System, role: Role = Role.CUSTOMER, organisation: Organisation | None = None) -> Actor:
    return actor_of(make_account(system, role, organisation), "127.0.0.1")


def bearer(system: System, account: Account) -> dict[str, str]:
    """Return the Authorization header of a new token."""
    with system.work() as uow:
        return {"Authorization": f"Bearer {tokens.issue(uow, account, 'test')}"}
