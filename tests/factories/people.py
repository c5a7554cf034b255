"""Organisations, accounts and tokens for tests."""

from datetime import timedelta
from itertools import count

from sqlalchemy import func, select

from app.domain import ticket_code
from app.domain.policy import Actor, Role
from app.models import Account, Case, Organisation, Ticket
from app.queries.accounts import actor_of
from app.services import accounts, cases, tokens
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


def make_ticket(system: System, case: str = "CS-1", organisation: Organisation | None = None) -> str:
    """Make a ticket for one upload within a day, and return its code."""
    engineer = make_account(system, Role.ENGINEER)
    home = organisation or make_organisation(system)
    code = ticket_code.generate()
    with system.work() as uow:
        reference = cases.ensure(uow, home.id, case)
        of_case = uow.session.scalar(
            select(Case).where(Case.organisation_id == home.id, Case.reference == reference)
        )
        assert of_case
        uow.session.add(
            Ticket(
                case_id=of_case.id,
                made_by_id=engineer.id,
                code_hash=ticket_code.digest(code),
                hint=code[:4],
                networks=[],
                expires_at=func.now() + timedelta(days=1),
                max_uploads=1,
            )
        )
    return code
