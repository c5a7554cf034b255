"""The scheduler is the sweeper: nothing stops it but being told to. F6, F7, F8."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

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


def test_it_leaves_in_time_though_a_step_does_not(
    system: System, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """F12: what is under way is broken off, as by a crash, before ECS would do so to all of them."""
    begun, end, stop = threading.Event(), threading.Event(), threading.Event()

    def endless(_system: System) -> None:
        begun.set()
        end.wait(30)

    impatient = replace(system, settings=system.settings.model_copy(update={"graceful_timeout": 1}))
    monkeypatch.setattr(scheduler, "SCHEDULE", (Periodic(endless, every=1),))
    thread = threading.Thread(target=scheduler.run, args=(impatient, stop))
    thread.start()
    assert begun.wait(10)
    stop.set()
    thread.join(10)
    try:
        assert not thread.is_alive()
        (left,) = [each for each in threading.enumerate() if each.name == "endless"]
        assert left.daemon, "no thread keeps the process"
        assert [record for record in caplog.records if "steps_broken_off" in record.getMessage()]
    finally:
        end.set()
        left.join(10)
