"""The portal's password at the database changes: what workers and scheduler do until they go."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis
from rq import Worker
from rq.exceptions import StopRequested

from app.cli.dev.application import Application
from app.cli.dev.services import Services
from app.db import Database
from app.domain.jobs import QueueName
from app.jobs import scheduler
from app.jobs import worker as jobs_worker
from app.jobs.worker import make_worker
from app.system import System
from tests.integration.guarded import Guarded
from tests.integration.rotating import QUICK, database, rotating
from tests.live import eventually


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with rotating(tmp_path_factory.mktemp("guarded")) as running:
        yield running


@pytest.fixture
def old(server: Guarded) -> str:
    """Set the portal's password; return it."""
    return server.rotate()


@pytest.fixture
def hasty(server: Guarded, old: str) -> Iterator[Database]:
    """Give a portal's database for which all that takes minutes takes a moment."""
    made = database(server, old, QUICK)
    yield made
    made.engine.dispose()


def test_the_scheduler_ends(
    server: Guarded, hasty: Database, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "SCHEDULE", ())
    monkeypatch.setattr(scheduler, "_LOOK", 0.05)
    stop = threading.Event()
    running = threading.Thread(target=scheduler.run, args=(replace(system, database=hasty), stop))
    running.start()
    assert not stop.wait(0.5)
    server.rotate()
    running.join(20)
    assert not running.is_alive()
    assert stop.is_set()


@pytest.fixture
def worker(hasty: Database, system: System, services: Services) -> Iterator[Worker]:
    with redis.Redis.from_url(f"{services.redis_url}?db=8") as connection:
        yield make_worker(replace(system, database=hasty), connection, QueueName.DELIVER)
        connection.flushdb()


def test_a_worker_takes_no_further_job(
    server: Guarded, hasty: Database, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_worker, "_LOOK_SECONDS", 0.05)
    worker.heartbeat()
    server.rotate()
    with worker.connection.pipeline() as under_way:
        worker.heartbeat(pipeline=under_way)
        assert [worker._stop_requested] == [False], "not at once"
        eventually(hasty.refused, "it has lasted", 5)
        worker.heartbeat(pipeline=under_way)
    assert worker._stop_requested, "after the job that is under way"
    with pytest.raises(StopRequested):
        worker.heartbeat()


def test_a_worker_waits_for_the_password_before_it_takes_a_job(
    server: Guarded, old: str, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would fail, and whoever has the new password has it done meanwhile."""
    waits = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            server.sql(f"ALTER ROLE web PASSWORD '{old}'".encode())

    monkeypatch.setattr(jobs_worker, "time", SimpleNamespace(sleep=wait))
    worker.heartbeat()
    server.rotate()
    worker.heartbeat()
    assert waits == [5, 5]
    assert not worker._stop_requested


@pytest.mark.parametrize("role", ["deliver", "scheduler"])
def test_they_say_why_and_fail(server: Guarded, services: Services, role: str, tmp_path: Path) -> None:
    parts = server.variables(database_user="web", database_password="another")
    app = Application(services, tmp_path, settings=parts | {"DIAGPORT_DATABASE_URL": ""})
    process = app[role]
    process.start()
    assert process.popen
    assert process.popen.wait(30) == 1
    assert "The database refuses the password" in process.log.read_text()
