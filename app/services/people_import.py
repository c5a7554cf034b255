"""Inviting many people from a list: all of them or nobody."""

from collections.abc import Sequence
from dataclasses import replace

from app.domain.errors import StateConflictError
from app.domain.people_csv import Row
from app.models import Account
from app.queries import organisations, people
from app.services import accounts
from app.uow import UnitOfWork


def check(uow: UnitOfWork, rows: Sequence[Row]) -> list[Row]:
    """Return the rows, each also with what is wrong with it beside who and what there is already."""
    taken = people.taken(uow.session, [row.email.lower() for row in rows])
    homes = {each.slug: each for each in organisations.in_order(uow.session)}
    checked: list[Row] = []
    for row in rows:
        wrong: list[str] = []
        if row.email.lower() in taken:
            wrong.append("There is already an account with this address.")
        if row.organisation and row.organisation not in homes:
            wrong.append(f"There is no organisation with the short name {row.organisation[:63]}.")
        elif row.organisation and homes[row.organisation].suspended_at is not None:
            wrong.append(f"{homes[row.organisation].name} is suspended.")
        checked.append(replace(row, wrong=(*row.wrong, *wrong)) if wrong else row)
    return checked


def invite_all(uow: UnitOfWork, rows: Sequence[Row]) -> list[Account]:
    """Invite everybody of a list that was looked at.

    Raises:
        StateConflictError: something is wrong with it by now. Nobody is invited.
    """
    if any(row.wrong for row in check(uow, rows)):
        raise StateConflictError("The list will not do any more as it was shown. Nobody was invited.")
    homes = {each.slug: each for each in organisations.in_order(uow.session)}
    return [
        accounts.invite(
            uow,
            email=row.email,
            name=row.name,
            role=row.role,
            organisation=homes[row.organisation] if row.organisation else None,
            manager=row.manager,
        )
        for row in rows
    ]
