"""The scheduler is the sweeper: nothing stops it but being told to. F6, F7, F8."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from app.domain.errors import DependencyError
from app.domain.jobs import JobName
from app.jobs import scheduler
from app.jobs.schedule import SCHEDULE, Periodic
from app.services.intake import records
from app.system import System
from tests.factories.people import make_actor
from tests.factories.probing import teach
from tests.factories.uploads import make_upload
from tests.fakes import FakeQueue, FakeScanner
from tests.integration.looking import fresh, pass_time
from tests.live import eventually


@contextmanager
def running(system: System) -> Iterator[threading.Thread]:
    stop = threading.Event()
    thread = threading.Thread(target=scheduler.run, args=(system, stop))
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def test_what_runs_is_listed_once_each() -> None:
    assert len({periodic.name for periodic in SCHEDULE}) == len(SCHEDULE)
    rings = {"ring_scans", "ring_large_scans", "ring_rescans", "ring_deliveries"}
    assert {periodic.name for periodic in SCHEDULE if periodic.every <= 5} >= rings


def test_without_redis_it_goes_on_and_rings_when_redis_is_back(
    committed: System, queue: FakeQueue, scanner: FakeScanner
) -> None:
    teach(scanner)  # else the gate closes
    sender = make_actor(committed)
    upload = make_upload(committed, sender)
    with committed.work(sender) as uow:
        stale = records.start(uow, records.Announcement(door="put", filename="a.tgz", size=9), "filesystem")
    pass_time(committed, stale.id, 3600)
    queue.rung.clear()
    queue.down = True
    with running(committed) as thread:
        eventually(lambda: fresh(committed, stale.id).settled, "a step that needs no Redis", 10)
        assert queue.rung == []
        queue.down = False
        eventually(lambda: (JobName.SCAN_UPLOAD, str(upload.id)) in queue.rung, "the doorbell", 10)
        assert thread.is_alive()


@pytest.mark.parametrize("error", [DependencyError("away"), RuntimeError("a bug")])
def test_a_failing_step_stops_neither_the_others_nor_itself(
    committed: System, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    failed, ran = threading.Semaphore(0), threading.Semaphore(0)

    def fail(_system: System) -> None:
        failed.release()
        raise error

    def run(_system: System) -> None:
        ran.release()

    schedule = (Periodic(fail, every=0.01), Periodic(run, every=0.01))
    monkeypatch.setattr(scheduler, "SCHEDULE", schedule)
    with running(committed):
        for semaphore in (failed, ran) * 3:
            assert semaphore.acquire(timeout=10)
