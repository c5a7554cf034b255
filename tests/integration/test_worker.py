"""A real worker runs what is on the list and nothing else, whatever Redis holds: T28, C5."""

import os
import pickle
import socket
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis
from rq import Callback, Queue
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.webhook import Webhook

from app.adapters.queue import RedisQueue
from app.adapters.storage.filesystem import FilesystemStorage
from app.cli.dev.application import Application
from app.cli.dev.process import Process
from app.cli.dev.services import Services
from app.domain.jobs import JobName, QueueName
from app.domain.lifecycle import UploadState
from app.domain.policy import Role
from app.queries import engine
from app.system import System
from tests.factories.people import bearer, make_account, make_actor
from tests.factories.uploads import make_upload
from tests.integration.looking import outbox
from tests.live import eventually

SING = "tests.integration.canary.sing"
REDIS_DB = 9


@pytest.fixture
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "canary"
    monkeypatch.setenv("CANARY", str(path))
    return path


@pytest.fixture
def store(services: Services) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(f"{services.redis_url}?db={REDIS_DB}") as connection:
        connection.flushdb()
        yield connection
        connection.flushdb()


@pytest.fixture
def ringing(committed: System, services: Services, store: "redis.Redis") -> System:
    """Give a system whose bells hang in Redis."""
    queue = RedisQueue(f"{services.redis_url}?db={REDIS_DB}")
    storage = FilesystemStorage(committed.settings.storage_root)
    return replace(committed, adapters=replace(committed.adapters, queue=queue, storage=storage))


@pytest.fixture
def worker(ringing: System, services: Services, tmp_path: Path, canary: Path) -> Iterator[Process]:
    """Give a running worker of the queue for mails."""
    settings = {
        "DIAGPORT_DATABASE_URL": ringing.settings.database_url.get_secret_value(),
        "DIAGPORT_REDIS_URL": f"{services.redis_url}?db={REDIS_DB}",
        "CANARY": str(canary),
    }
    process = Application(services, tmp_path / "app", settings=settings)[QueueName.DELIVER]
    process.start()
    process.wait_ready()
    yield process
    process.stop()


def honest_work_is_done(system: System) -> None:
    """Ring for a mail behind all that hangs already, and wait until it has gone."""
    make_account(system, Role.ENGINEER)
    upload = make_upload(system, make_actor(system), UploadState.CLEAN)
    eventually(lambda: all(row.sent_at for row in outbox(system, upload.id)), "an honest mail", 30)


def calls(path: str, *arguments: object, **options: object) -> Callable[[Queue], Job]:
    return lambda queue: queue.enqueue(path, *arguments, **options)


def with_data(data: bytes) -> Callable[[Queue], Job]:
    """Ring with other bytes in the place of the job's description."""

    def ring(queue: Queue) -> Job:
        job = queue.create_job(JobName.DELIVER.value, ("x",))
        job.save()
        queue.connection.hset(job.key, "data", data)
        queue.push_job_id(job.id)
        return job

    return ring


class Exploit:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {os.environ['CANARY']}",)


HOSTILE = {
    "a function of ours": calls(SING),
    "os.system": calls("os.system", "touch $CANARY"),
    "a listed name, other arguments": calls("deliver", "x", SING),
    "a listed name, no argument": calls("deliver"),
    "a listed name, a number": calls("deliver", 7),
    "a listed name, a keyword": calls("deliver", delivery_id="x"),
    "no id": calls("deliver", "$(touch $CANARY)"),
    "callbacks": calls(
        "deliver", "x", on_success=Callback(SING), on_failure=Callback(SING), on_stopped=Callback(SING)
    ),
    "a method": lambda queue: with_data(b'["sing", "tests.integration.canary", [], {}]')(queue),
    "pickle": lambda queue: with_data(pickle.dumps(Exploit()))(queue),
    "packed pickle": lambda queue: with_data(zlib.compress(pickle.dumps(Exploit())))(queue),
    "not a description": with_data(b'{"a": 1}'),
    "nothing": with_data(b""),
}


def test_the_canary_sings_for_plain_rq(store: "redis.Redis", canary: Path) -> None:
    """Else the next test would prove nothing."""
    queue = Queue("deliver", connection=store, serializer=JSONSerializer)
    job = calls(SING)(queue)
    job.perform()
    assert canary.exists()
    assert callable(HOSTILE["callbacks"](queue).success_callback)
    canary.unlink()
    pickle.loads(pickle.dumps(Exploit()))  # noqa: S301 - that is the point
    assert canary.exists()


def test_hostile_jobs_are_refused_and_the_worker_lives_on(
    ringing: System, worker: Process, store: "redis.Redis", canary: Path
) -> None:
    queue = Queue("deliver", connection=store, serializer=JSONSerializer)
    for ring in HOSTILE.values():
        ring(queue)
    pid = worker.pid
    honest_work_is_done(ringing)
    assert not canary.exists()
    assert (worker.running, worker.pid) == (True, pid)
    assert ringing.adapters.queue.workers()[QueueName.DELIVER] == 1
    assert ringing.adapters.queue.waiting(JobName.DELIVER) == 0


def test_no_address_out_of_redis_is_called(ringing: System, worker: Process, store: "redis.Redis") -> None:
    """C22: RQ's webhooks would make the worker fetch whatever URL a job holds."""
    queue = Queue("deliver", connection=store, serializer=JSONSerializer)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        hooks = [Webhook(url, "finished", timeout=1), Webhook(url, "failed", timeout=1)]
        queue.enqueue("deliver", "00000000-0000-0000-0000-000000000000", webhooks=hooks)
        queue.enqueue("os.system", "true", webhooks=hooks)
        honest_work_is_done(ringing)
        listener.settimeout(0)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_dead_worker_is_not_counted_and_a_live_one_is_after_redis_was_emptied(
    ringing: System, worker: Process, store: "redis.Redis"
) -> None:
    """F6: health tells the truth."""

    def count() -> int:
        return ringing.adapters.queue.workers()[QueueName.DELIVER]

    assert count() == 1
    store.flushdb()
    assert count() == 0
    honest_work_is_done(ringing)
    eventually(lambda: count() == 1, "the worker is registered again", 20)
    (key,) = store.smembers("rq:workers:deliver")
    worker.kill()
    assert 0 < store.ttl(key) <= 90
    store.delete(key)  # as it happens by itself then
    assert count() == 0


def test_redis_holds_names_of_jobs_and_ids_and_nothing_else(ringing: System, store: "redis.Redis") -> None:
    engineer = make_account(ringing, Role.ENGINEER)
    account = make_account(ringing)
    token = bearer(ringing, account)["Authorization"].split()[1]
    upload = make_upload(
        ringing, make_actor(ringing), UploadState.INFECTED, filename="secret-name.tgz", case="CS-777"
    )
    deliveries = outbox(ringing, upload.id)
    everything = b"\n".join(_values(store))
    assert str(upload.id).encode() in everything
    assert len(deliveries) == 3  # the receipt, and the verdict for two
    for delivery in deliveries:
        assert str(delivery.id).encode() in everything
    for secret in ("secret-name", "CS-777", engineer.email, "example.com", token, upload.storage_key):
        assert secret.encode() not in everything


def _values(store: "redis.Redis") -> Iterator[bytes]:
    for key in store.scan_iter():
        kind = store.type(key)
        values: Any = store.hvals(key) if kind == b"hash" else ()
        values = store.lrange(key, 0, -1) if kind == b"list" else values
        for value in (key, *values):
            yield value
            if value.startswith(b"\x78"):
                yield zlib.decompress(value)


def test_a_scheduler_that_is_told_to_stop_twice_stops(
    ringing: System, services: Services, tmp_path: Path
) -> None:
    """A supervisor is impatient; the second signal falls into the handling of the first."""
    settings = {
        "DIAGPORT_DATABASE_URL": ringing.settings.database_url.get_secret_value(),
        "DIAGPORT_REDIS_URL": f"{services.redis_url}?db={REDIS_DB}",
        "DIAGPORT_PROBE_PADDING_BYTES": str(2 * 10**6),  # 200 MB would be under way when it is told to stop
    }
    scheduler = Application(services, tmp_path / "app", settings=settings)["scheduler"]
    scheduler.start()
    try:
        eventually(lambda: _engine_seen(ringing), "its first steps", 30)
        for _ in range(20_000):  # so many that some do
            scheduler.ask_to_stop()
        assert scheduler.popen
        # It ends each step that is under way; the longest, a probe, waits for clamd, seconds on a machine
        # with much to do. Two handlers that wait for each other would wait for ever.
        assert scheduler.popen.wait(60) == 0
    finally:
        scheduler.kill()


def _engine_seen(system: System) -> bool:
    with system.work() as uow:
        return engine.current(uow.session) is not None
