"""Redis goes and comes back while a worker has a job, and while it has none: F7."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.adapters.queue import RedisQueue
from app.cli.dev import ROOT
from app.cli.dev.application import Application
from app.cli.dev.process import Process
from app.cli.dev.services import Services
from app.domain.jobs import JobName, QueueName
from tests.live import eventually


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Services]:
    """Give a Redis of this test's own."""
    with Services(tmp_path / "own", fast=True, names=("redis",)) as running:
        yield running


@pytest.fixture
def worker(services: Services, own: Services, tmp_path: Path) -> Iterator[Process]:
    settings = {"DIAGPORT_REDIS_URL": own.redis_url}
    environment = Application(services, tmp_path / "app", settings=settings).environment
    process = Process(
        "worker",
        [sys.executable, "-m", "tests.integration.patient_worker"],
        tmp_path / "worker.log",
        environment={**environment, "FOLDER": str(tmp_path)},
        directory=ROOT,
    )
    process.start()
    yield process
    process.kill()


def test_a_job_outlasts_redis_and_so_does_its_worker(own: Services, worker: Process, tmp_path: Path) -> None:
    queue = RedisQueue(own.redis_url)

    def said(event: str, times: int = 1) -> None:
        eventually(lambda: worker.log.read_text().count(f'"{event}"') == times, f"{event}, {times}", 20)
        assert worker.running, worker.log.read_text()

    def there(name: str) -> None:
        eventually((tmp_path / name).exists, name, 20)

    queue.enqueue(JobName.DELIVER, "first")
    there("first.begun")
    own["redis"].kill()
    said("redis_away")
    own["redis"].start()
    own["redis"].wait_ready()
    said("redis_back")
    (tmp_path / "first").touch()
    there("first.done")

    queue.enqueue(JobName.DELIVER, "second")  # the same worker takes it
    there("second.begun")
    own["redis"].kill()
    said("redis_away", 2)
    (tmp_path / "second").touch()
    there("second.done")  # while nobody is there to hear it
    own["redis"].start()
    own["redis"].wait_ready()
    said("redis_back", 2)

    queue.enqueue(JobName.DELIVER, "third")
    there("third.begun")
    own["redis"].kill()
    said("redis_away", 3)
    worker.ask_to_stop()
    (tmp_path / "third").touch()
    assert worker.popen
    assert worker.popen.wait(20) == 0, "told to stop without Redis"
    there("third.done")
    assert "unhandled exception" not in worker.log.read_text()
    own["redis"].start()
    own["redis"].wait_ready()
    assert queue.queues()[QueueName.DELIVER].depth == 0
