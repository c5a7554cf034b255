"""T9: what somebody began and can go on with, from any browser, parts of one file together."""

import pytest

from app.domain.policy import Actor
from app.models import Upload
from app.queries.unfinished import Unfinished, unfinished_of
from app.services.intake import joining, records
from app.services.intake.records import Announcement
from app.system import System
from tests.factories.people import make_actor
from tests.factories.tickets import holder, issue_ticket

MODIFIED = "1763714400000"


def part(
    system: System, sender: Actor, number: int, *, received: int = 0, of: str = "4 of 43", name: str = "a.tgz"
) -> Upload:
    """Begin one part as the page does, of 10 bytes."""
    announced = Announcement(
        door="tus",
        filename=name,
        size=10,
        partial=True,
        note=f"part {number} of {of} bytes, modified {MODIFIED}",
    )
    with system.work(sender) as uow:
        upload = records.start(uow, announced, system.adapters.storage.name)
        records.checkpoint(uow, upload.id, received)
        return upload


def whole(system: System, sender: Actor, door: str = "tus") -> Upload:
    with system.work(sender) as uow:
        upload = records.start(uow, Announcement(door=door, filename="b.tgz", size=100), "filesystem")
        records.checkpoint(uow, upload.id, 40)
        return upload


def listed(system: System, actor: Actor) -> list[Unfinished]:
    with system.work(actor) as uow:
        return unfinished_of(uow.session, uow.actor)


def test_parts_of_one_file_are_one(system: System) -> None:
    sender = make_actor(system)
    third, first = part(system, sender, 3, received=10), part(system, sender, 1, received=7)

    [found] = listed(system, sender)

    assert (found.filename, found.size, found.received, found.way) == ("a.tgz", 43, 17, "tus")
    assert found.parts == (str(first.id), "-", str(third.id), "-"), "two were never begun"
    assert found.modified == MODIFIED


@pytest.mark.parametrize(
    ("name", "of"), [("other.tgz", "4 of 43"), ("a.tgz", "3 of 43"), ("a.tgz", "4 of 44")]
)
def test_parts_of_another_file_are_not(system: System, name: str, of: str) -> None:
    sender = make_actor(system)
    part(system, sender, 1)
    part(system, sender, 2, name=name, of=of)

    assert len(listed(system, sender)) == 2


def test_of_two_in_one_place_the_fuller_one_counts(system: System) -> None:
    sender = make_actor(system)
    fuller = part(system, sender, 1, received=8)
    part(system, sender, 1, received=3)

    [found] = listed(system, sender)

    assert found.parts[0] == str(fuller.id)
    assert found.received == 8


def test_what_another_client_calls_its_parts_is_its_own(system: System) -> None:
    sender = make_actor(system)
    announced = Announcement(door="tus", filename="a.tgz", size=10, partial=True, note="my second half")
    with system.work(sender) as uow:
        records.start(uow, announced, system.adapters.storage.name)

    assert listed(system, sender) == []


@pytest.mark.parametrize("door", ["tus", "direct"])
def test_a_file_in_one_piece(system: System, door: str) -> None:
    sender = make_actor(system)
    upload = whole(system, sender, door)

    [found] = listed(system, sender)

    assert (found.id, found.parts, found.way) == (upload.id, (str(upload.id),), door)
    assert (found.size, found.received) == (100, 40)


def test_nobody_else_sees_it(system: System) -> None:
    sender = make_actor(system)
    guest = holder(issue_ticket(system))
    part(system, sender, 1)
    whole(system, sender)
    part(system, guest, 1)

    assert len(listed(system, sender)) == 2
    assert len(listed(system, guest)) == 1
    assert listed(system, make_actor(system)) == []


def test_what_was_joined_is_the_whole_again(system: System) -> None:
    """Joining that something broke off: the file goes on as what its parts became."""
    sender = make_actor(system)
    parts = [part(system, sender, number, received=10, of="2 of 20") for number in (1, 2)]
    with system.work(sender) as uow:
        announced = Announcement(door="tus", filename="a.tgz")
        joined = joining.begin(uow, announced, [one.id for one in parts], system.adapters.storage.name)

    [found] = listed(system, sender)

    assert (found.id, found.size, found.modified) == (joined.id, 20, "")
