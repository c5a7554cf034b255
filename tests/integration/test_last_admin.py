"""Of admins who take each other away at the same moment, one stays; lists of many people are quick."""

from itertools import count
from typing import Any

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.orm import Session

from app.domain.errors import ForbiddenError, StateConflictError
from app.domain.policy import SYSTEM, Actor, Role
from app.models import Account
from app.queries import organisations, people
from app.queries.organisations import OrganisationFilters
from app.queries.people import PeopleFilters
from app.services import people as service
from app.services.people import Place
from app.system import System
from app.uow import UnitOfWork
from tests.factories.people import make_actor, make_organisation
from tests.integration.looking import race

REASON = "There is one too many of us."


def take_away(uow: UnitOfWork, other: Actor, *, suspend: bool) -> None:
    assert other.id
    if suspend:
        service.suspend(uow, other.id, REASON)
    else:
        service.change(uow, other.id, Place("Demoted", Role.ENGINEER))


@pytest.mark.parametrize("number", [2, 5])
def test_whoever_takes_whom_away_one_admin_stays(committed: System, number: int) -> None:
    """Each takes the next one away, in a circle, by suspension or by another role."""
    admins = [make_actor(committed, Role.ADMIN) for _ in range(number)]
    turns = count()

    def act() -> None:
        mine = next(turns)
        with committed.work(admins[mine]) as uow:
            take_away(uow, admins[(mine + 1) % number], suspend=mine % 2 == 0)

    outcomes = race(number, act)
    refused = [one for one in outcomes if isinstance(one, Exception)]
    assert {type(one) for one in refused} <= {ForbiddenError, StateConflictError}, refused
    with committed.work() as uow:
        left = uow.session.scalar(select(func.count()).where(Account.role == Role.ADMIN, Account.active))
    assert left == len(refused)
    assert left


def test_the_last_admin_is_not_taken_away_by_an_operator_either(system: System) -> None:
    """One who was invited and has not come does not count."""
    last = make_actor(system, Role.ADMIN)
    with system.work() as uow:
        service.invite(uow, "invited@example.com", Place("Invited", Role.ADMIN))
    for suspend in (True, False):
        with pytest.raises(StateConflictError, match="the last admin"), system.work() as uow:
            take_away(uow, last, suspend=suspend)
    other = make_actor(system, Role.ADMIN)
    with system.work(other) as uow:
        take_away(uow, last, suspend=True)


_MANY = """
INSERT INTO account (id, email, name, role, organisation_id)
SELECT gen_random_uuid(), 'p' || number || '@many.example', 'Person ' || md5(number::text), 'customer', :home
FROM generate_series(1, 10000) AS number
"""


def plan_of(uow: UnitOfWork, ask: Any) -> str:
    """Return how the database goes about the first question of ``ask``."""
    asked: list[tuple[str, Any]] = []
    connection = uow.session.connection()
    note = lambda _connection, _cursor, statement, given, *_: asked.append((statement, given))  # noqa: E731
    event.listen(connection, "before_cursor_execute", note)
    ask()
    event.remove(connection, "before_cursor_execute", note)
    statement, given = asked[0]
    return "\n".join(connection.exec_driver_sql(f"EXPLAIN {statement}", given).scalars())


def test_ten_thousand_people_are_not_all_looked_at_for_a_page(system: System, session: Session) -> None:
    home = make_organisation(system)
    with system.work() as uow:
        uow.session.execute(text(_MANY), {"home": home.id})
    session.execute(text("ANALYZE account"))  # as autovacuum does, by and by: only the owner may
    session.commit()
    with system.work() as uow:
        first = people.page(uow.session, SYSTEM, PeopleFilters())
        assert len(first.items) == 50
        for cursor in (None, first.next_cursor):
            plan = plan_of(
                uow, lambda cursor=cursor: people.page(uow.session, SYSTEM, PeopleFilters(), cursor)
            )
            assert "ix_account_name_id" in plan, plan
            assert "Sort" not in plan, plan
        found = people.page(uow.session, SYSTEM, PeopleFilters(q="P4711@MANY"))
        assert [each.email for each in found.items] == ["p4711@many.example"]
        [row] = organisations.page(uow.session, SYSTEM, OrganisationFilters(q=home.slug)).items
        assert row.people == 10_000
