"""Two of support who want the same bundle at the same moment: one has it, the other is told so. I3."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.domain.errors import StateConflictError
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor, Role
from app.models import Upload
from app.services import assigning
from app.system import System
from tests.factories.people import make_actor
from tests.factories.uploads import make_upload
from tests.integration.looking import deeds, fresh, race

ROUNDS = 8


def take(system: System, who: Actor, upload: Upload) -> None:
    with system.work(who) as uow:
        assigning.take(uow, upload.id)


def test_of_two_who_take_it_at_once_one_wins(committed: System) -> None:
    sender = make_actor(committed)
    engineers = [make_actor(committed, Role.ENGINEER) for _ in range(2)]
    for _ in range(ROUNDS):
        upload = make_upload(committed, sender, UploadState.CLEAN)
        asking = engineers[:]
        came = race(2, lambda asking=asking, upload=upload: take(committed, asking.pop(), upload))  # type: ignore[misc]
        assert sorted(type(each).__name__ for each in came) == ["NoneType", "StateConflictError"]
        has_it = fresh(committed, upload.id).assignee
        assert has_it
        (told,) = [each for each in came if isinstance(each, StateConflictError)]
        assert told.message == f"{has_it.name or has_it.email} has taken this bundle already."
        assert deeds(committed, upload.id).count("upload.assigned") == 1


def test_who_comes_second_decides_by_what_the_first_has_done(committed: System) -> None:
    """The first has not committed yet: the second waits, and is told whose it is."""
    upload = make_upload(committed, make_actor(committed), UploadState.CLEAN)
    one, other = make_actor(committed, Role.ENGINEER), make_actor(committed, Role.ENGINEER)
    begun = threading.Event()

    def second() -> None:
        with committed.work(other) as uow:
            begun.set()
            assigning.hand_over(uow, upload.id, str(other.id), was="")

    with ThreadPoolExecutor(1) as pool:
        with committed.work(one) as uow:
            assigning.take(uow, upload.id)
            waits = pool.submit(second)
            assert begun.wait(10)
            with pytest.raises(TimeoutError):
                waits.result(0.3)
        with pytest.raises(StateConflictError, match=one.name):
            waits.result(30)
    assert fresh(committed, upload.id).assignee_id == one.id
