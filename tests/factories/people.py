"""Organisations, accounts and tokens for tests."""

from itertools import count
from uuid import UUID, uuid4

from app.domain.policy import Actor, Role, Scope
from app.models import Account, AccountKind, Organisation
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


def make_manager(system: System, organisation_id: UUID | None) -> Account:
    """Make somebody who manages the people of an organisation."""
    with system.work() as uow:
        organisation = uow.session.get_one(Organisation, organisation_id)
    account = make_account(system, organisation=organisation)
    with system.work() as uow:
        uow.session.merge(account).manager = True
    account.manager = True
    return account


def make_machine(system: System, organisation_id: UUID | None) -> Account:
    """Make a service account of an organisation."""
    account = Account(
        email=f"machine-{next(_number)}@machines.invalid",
        name="Build server",
        role=Role.CUSTOMER,
        kind=AccountKind.MACHINE,
        organisation_id=organisation_id,
    )
    with system.work() as uow:
        uow.session.add(account)
        uow.session.flush()
        uow.session.refresh(account)
    return account


def make_actor(system: System, role: Role = Role.CUSTOMER, organisation: Organisation | None = None) -> Actor:
    return actor_of(make_account(system, role, organisation), "127.0.0.1")


def bearer(system: System, account: Account, *scopes: Scope) -> dict[str, str]:
    """Return the Authorization header of a new token, which covers everything unless told."""
    with system.work() as uow:
        token = tokens.issue(uow, account, "test", scopes=scopes or tuple(Scope))
    return {"Authorization": f"Bearer {token}"}


def make_token(system: System, owner: Actor, *scopes: Scope, name: str = "test") -> UUID:
    """Make another token of the owner's, which covers everything unless told; return its row's id."""
    token_id = uuid4()
    with system.work() as uow:
        account = uow.session.get_one(Account, owner.id)
        tokens.issue(uow, account, name, scopes=scopes or tuple(Scope), token_id=token_id)
    return token_id
