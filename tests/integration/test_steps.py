"""What the scheduler's steps came to is written down, seldom, and never at their expense. F8."""

import threading
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select, update

from app.db import Database
from app.domain.errors import DependencyError
from app.jobs import recording, scheduler
from app.jobs.recording import Recorder
from app.jobs.schedule import SCHEDULE, Periodic
from app.models import StepRun
from app.services.steps import Outcome
from app.system import System


def step(_system: System) -> Outcome:
    return None


PERIODIC = Periodic(step, every=2)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Give a clock that a test turns."""
    now = [1000.0]
    monkeypatch.setattr(recording, "monotonic", lambda: now[0])
    return now


def rows(system: System) -> dict[str, StepRun]:
    with system.work() as uow:
        uow.session.expire_all()
        return {row.name: row for row in uow.session.scalars(select(StepRun))}


def run(recorder: Recorder, outcome: Outcome = None, error: Exception | None = None) -> None:
    recorder.begin()
    if error:
        recorder.failed(error)
    else:
        recorder.done(outcome)


def mark(system: System) -> None:
    """Leave a mark in the row that the next one who writes takes away."""
    with system.work() as uow:
        uow.session.execute(update(StepRun).values(error="marked"))


def marked(system: System) -> bool:
    return rows(system)["step"].error == "marked"


def test_a_quiet_step_is_written_down_once_a_minute(system: System, clock: list[float]) -> None:
    recorder = Recorder(system, PERIODIC)
    run(recorder)
    row = rows(system)["step"]
    assert row.finished_at is not None
    assert row.next_at is not None
    assert (row.next_at - row.finished_at).total_seconds() == 2
    assert (row.failures, row.error, row.result) == (0, None, {})
    mark(system)
    for _ in range(29):
        clock[0] += 2
        run(recorder)
    assert marked(system), "58 seconds and 29 runs later nobody has written"
    clock[0] += 2
    run(recorder)
    assert not marked(system)


def test_what_it_did_is_written_at_once_and_stays(system: System, clock: list[float]) -> None:
    recorder = Recorder(system, PERIODIC)
    run(recorder)
    clock[0] += 2
    run(recorder, {"rang": 3})
    assert rows(system)["step"].result == {"rang": 3}
    clock[0] += 120
    run(recorder)
    assert rows(system)["step"].result == {"rang": 3}, "what it did when it last did something"


def test_failures_are_counted_in_a_row(system: System, clock: list[float]) -> None:
    recorder = Recorder(system, PERIODIC)
    for _ in range(3):
        clock[0] += 2
        run(recorder, error=DependencyError("Redis is away.", secret="not shown"))
    row = rows(system)["step"]
    assert (row.failures, row.error) == (1, "DependencyError: Redis is away.")
    clock[0] += 60
    run(recorder, error=ValueError("x" * 2000))
    row = rows(system)["step"]
    assert row.failures == 4
    assert row.error is not None
    assert row.error.startswith("ValueError: xxx")
    assert len(row.error) == 500
    clock[0] += 2
    run(recorder)
    row = rows(system)["step"]
    assert (row.failures, row.error) == (0, None), "that it recovered is worth a row at once"


def test_several_nodes_write_one_row(system: System, clock: list[float]) -> None:
    nodes = [Recorder(system, PERIODIC) for _ in range(3)]
    for node in nodes:
        run(node, error=RuntimeError("here only"))
    assert rows(system)["step"].failures == 3
    run(nodes[0], {"rang": 1})
    assert (rows(system)["step"].failures, rows(system)["step"].result) == (0, {"rang": 1})
    assert len(rows(system)) == 1


def test_one_that_takes_long_is_seen_to_run(system: System) -> None:
    Recorder(system, PERIODIC).begin()
    row = rows(system)["step"]
    assert (row.finished_at, row.next_at) == (None, None)


def test_without_the_database_the_step_goes_on(system: System, caplog: pytest.LogCaptureFixture) -> None:
    nobody = Database.connect("postgresql+psycopg://127.0.0.1:1/nobody")
    ran: list[int] = []
    periodic = Periodic(lambda _: ran.append(1), every=2)
    scheduler._once(
        replace(system, database=nobody), periodic, Recorder(replace(system, database=nobody), periodic)
    )
    assert ran == [1]
    assert "step_unrecorded" in caplog.text
    nobody.engine.dispose()


def test_steps_that_nobody_runs_any_more_are_forgotten(system: System) -> None:
    with system.work() as uow:
        uow.session.add(StepRun(name="of_long_ago", started_at=func.now()))
    recording.forget_others(system, SCHEDULE)
    assert rows(system) == {}


def test_the_scheduler_writes_down_what_it_runs(committed: System, monkeypatch: pytest.MonkeyPatch) -> None:
    done = threading.Event()

    def fine(_system: System) -> dict[str, Any]:
        return {"did": 1}

    def broken(_system: System) -> None:
        done.set()
        raise RuntimeError("a bug")

    monkeypatch.setattr(scheduler, "SCHEDULE", (Periodic(fine, every=60), Periodic(broken, every=60)))
    stop = threading.Event()
    thread = threading.Thread(target=scheduler.run, args=(committed, stop))
    thread.start()
    assert done.wait(10)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    found = rows(committed)
    assert found["fine"].result == {"did": 1}
    assert (found["broken"].failures, found["broken"].error) == (1, "RuntimeError: a bug")
