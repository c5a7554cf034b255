"""A withdrawal and the first download at once: exactly one of them wins, and the other is told."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from app.domain.errors import StateConflictError
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor, Role
from app.models import Upload
from app.services import downloads, removal
from app.services.downloads import Leave
from app.system import System
from app.uow import UnitOfWork
from tests.factories.people import make_actor
from tests.factories.uploads import make_upload
from tests.integration.looking import deeds, fresh, race

ROUNDS = 12


class Scene:
    """One clean bundle, its sender, and an engineer who has just been allowed to fetch it."""

    def __init__(self, system: System) -> None:
        self.system = system
        self._pool = ThreadPoolExecutor(1)
        self.sender = make_actor(system)
        self.engineer = make_actor(system, Role.ENGINEER)
        self.upload = make_upload(system, self.sender, UploadState.CLEAN)
        with system.work(self.engineer) as uow:
            self._asked: tuple[Upload, Leave] = downloads.leave_for_all(uow, self.upload.id)

    def note(self, uow: UnitOfWork) -> None:
        downloads.note(uow, *self._asked, None)

    def withdraw(self, uow: UnitOfWork) -> None:
        removal.withdraw(uow, self.upload.id)

    def do(self, actor: Actor, deed: Callable[[UnitOfWork], None]) -> None:
        with self.system.work(actor) as uow:
            deed(uow)

    def begin(self, actor: Actor, deed: Callable[[UnitOfWork], None]) -> "Future[None]":
        """Do it in a thread of its own; return once that has begun."""
        begun = threading.Event()

        def act() -> None:
            with self.system.work(actor) as uow:
                begun.set()
                deed(uow)

        future = self._pool.submit(act)
        assert begun.wait(10)
        return future


@pytest.mark.parametrize("first", ["download", "withdrawal"])
def test_who_comes_second_waits_and_is_refused(committed: System, first: str) -> None:
    """The first has not committed yet: the second must not decide by what it sees then."""
    scene = Scene(committed)
    acts = [(scene.engineer, scene.note), (scene.sender, scene.withdraw)]
    (winner, wins), (loser, loses) = acts if first == "download" else acts[::-1]
    with committed.work(winner) as uow:
        wins(uow)
        second = scene.begin(loser, loses)
        with pytest.raises(TimeoutError):  # it waits
            second.result(0.3)
    with pytest.raises(StateConflictError):
        second.result(30)
    now = fresh(committed, scene.upload.id)
    assert now.state is (UploadState.CLEAN if first == "download" else UploadState.DELETED)
    assert (now.first_downloaded_at is not None) is (first == "download")


def test_of_both_at_once_one_wins(committed: System) -> None:
    dice = random.Random(4)
    for _ in range(ROUNDS):
        scene = Scene(committed)
        acts = [(scene.engineer, scene.note), (scene.sender, scene.withdraw)]
        dice.shuffle(acts)
        came = race(2, lambda acts=acts, scene=scene: scene.do(*acts.pop()))  # type: ignore[misc]
        assert sorted(type(each).__name__ for each in came) == ["NoneType", "StateConflictError"]
        done = set(deeds(committed, scene.upload.id)) & {"upload.downloaded", "upload.deleted"}
        downloaded = fresh(committed, scene.upload.id).first_downloaded_at is not None
        assert done == ({"upload.downloaded"} if downloaded else {"upload.deleted"})
