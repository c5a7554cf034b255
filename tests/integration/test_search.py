"""Searching beyond the rows that are looked at first."""

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.policy import Actor, Role
from app.queries import search, uploads
from app.queries.uploads import Filters, Page
from app.services.intake import records
from app.system import System
from tests.factories.people import make_actor

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def short_sight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows are looked at before the index is asked, three are a page."""
    monkeypatch.setattr(search, "LOOK", 2)
    monkeypatch.setattr(uploads, "PAGE_SIZE", 3)


@pytest.fixture
def sender(system: System) -> Actor:
    """Give the sender of eight files, every second of them "even", among a neighbour's."""
    sender, neighbour = make_actor(system), make_actor(system)
    for number in range(8):
        kind = "even" if number % 2 == 0 else "odd"
        for actor, name in ((sender, f"{number}-{kind}.tgz"), (neighbour, f"{number}-even-theirs.tgz")):
            announced = records.Announcement(door="put", filename=name, size=100, case=f"CS-{number % 2}")
            with system.work(actor) as uow:
                upload = records.start(uow, announced, "filesystem")
                upload.created_at = NOON + timedelta(minutes=number)
    return sender


def look(system: System, actor: Actor, q: str, cursor: str | None = None, case: str = "") -> Page:
    with system.work(actor) as uow:
        return uploads.page(uow.session, uow.actor, Filters(q=q, case=case), cursor)


def names(page: Page) -> list[str]:
    return [upload.filename for upload in page.items]


def test_the_near_and_the_far_join_in_one_order(system: System, sender: Actor) -> None:
    first = look(system, sender, "EVEN tgz")
    assert names(first) == ["6-even.tgz", "4-even.tgz", "2-even.tgz"]
    last = look(system, sender, "even tgz", first.next_cursor)
    assert (names(last), last.next_cursor, last.looked_back_to) == (["0-even.tgz"], None, None)


def test_what_is_only_far_is_found(system: System, sender: Actor) -> None:
    assert names(look(system, sender, "0-even")) == ["0-even.tgz"]
    assert names(look(system, sender, "nowhere")) == []


def test_other_filters_hold_near_and_far(system: System, sender: Actor) -> None:
    assert names(look(system, sender, "tgz", case="CS-1")) == ["7-odd.tgz", "5-odd.tgz", "3-odd.tgz"]
    assert names(look(system, sender, "even", case="CS-1")) == []


def test_a_short_word_is_looked_for_step_by_step(system: System, sender: Actor) -> None:
    page = look(system, sender, "0-")
    assert names(page) == []
    assert page.looked_back_to == NOON + timedelta(minutes=6)
    steps = 0
    found: list[str] = []
    while page.next_cursor:
        page = look(system, sender, "0-", page.next_cursor)
        steps, found = steps + 1, found + names(page)
    assert steps > 1
    assert found == ["0-even.tgz"]


def test_a_word_that_is_neither_rare_nor_near_is_found_all_the_same(system: System, sender: Actor) -> None:
    page = look(system, sender, "tgz -e")
    assert names(page) == ["6-even.tgz", "4-even.tgz", "2-even.tgz"]
    assert names(look(system, sender, "odd", page.next_cursor)) == ["1-odd.tgz"]


def test_the_planner_has_its_freedom_back(system: System, sender: Actor) -> None:
    with system.work(sender) as uow:
        uploads.page(uow.session, uow.actor, Filters(q="nowhere"))
        assert uow.session.connection().exec_driver_sql("SHOW enable_indexscan").scalar() == "on"


@pytest.mark.parametrize("q", ["50%_off", "a\\b'c", "it's {0} $1 %s %L", "of%"])
def test_what_means_more_to_a_database_means_itself_here(system: System, sender: Actor, q: str) -> None:
    """C1: near and far, for customers as for staff, which look in different ways."""
    with system.work(sender) as uow:
        announced = records.Announcement("put", "old.tgz", 100, note="50%_off a\\b'c it's {0} $1 %s %L")
        records.start(uow, announced, "filesystem").created_at = NOON - timedelta(days=1)
    found = ["old.tgz"] if q != "of%" else []
    staff = make_actor(system, Role.ENGINEER)
    assert names(look(system, sender, q)) == names(look(system, staff, q)) == found
