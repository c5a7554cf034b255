"""A case that goes away while somebody begins to use it: one of the two wins, and nobody fails."""

from collections.abc import Callable
from itertools import count

import pytest

from app.domain.errors import NotFoundError
from app.domain.policy import Actor, Role
from app.domain.tickets import Terms
from app.queries.cases import CaseFilters, page
from app.services import cases, tickets
from app.services.intake.records import Announcement, start
from app.system import System
from tests.factories.people import make_actor
from tests.factories.tickets import make_case
from tests.factories.uploads import make_upload
from tests.integration.looking import race


def begin(system: System, sender: Actor, engineer: Actor) -> None:
    with system.work(sender) as uow:
        start(uow, Announcement("tus", "a.tgz", 100, case="CS-1"), "filesystem")


def issue(system: System, sender: Actor, engineer: Actor) -> None:
    case = make_case(system, "CS-1", sender.organisation_id)
    with system.work(engineer) as uow:
        tickets.issue(uow, case.id, Terms(days=1, uploads=1))


@pytest.mark.parametrize("use", [begin, issue])
def test_it_is_used_or_gone(committed: System, use: Callable[[System, Actor, Actor], None]) -> None:
    sender, engineer = make_actor(committed), make_actor(committed, Role.ENGINEER)
    upload, number = make_upload(committed, sender, case="CS-1"), count()

    def act() -> None:
        if next(number) % 2:
            use(committed, sender, engineer)
            return
        for case in ("CS-2", "CS-1", None, "CS-1", "CS-2"):
            with committed.work(sender) as uow:
                cases.attach(uow, upload.id, case)

    came = {type(one) for one in race(8, act)}
    assert came <= {type(None), NotFoundError}, came
    assert type(None) in came


def test_whoever_begins_to_use_it_keeps_it(committed: System) -> None:
    sender = make_actor(committed)
    upload = make_upload(committed, sender, case="CS-1")
    with committed.work(sender) as beginning:
        cases.ensure(beginning, upload.organisation_id, "CS-1")
        with committed.work(sender) as leaving:
            cases.attach(leaving, upload.id, None)
        with committed.work(sender) as uow:
            assert [row.case.reference for row in page(uow.session, sender, CaseFilters()).items] == ["CS-1"]
