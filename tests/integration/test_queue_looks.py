"""What can be seen of the queues in a real Redis, as the user that the portal is given there. T28, C25."""

import zlib
from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import redis
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker

from app.adapters.queue import RedisQueue
from app.cli.dev import ROOT
from app.cli.dev.services import Services
from app.domain.errors import DependencyError, NotFoundError
from app.domain.jobs import JobName, QueueName

DB = 8
#: What docs/operations/running.md says that the portal's user needs.
RULES = " ".join(
    [
        "~rq:* -@all +@read +@write +@connection +@transaction +@pubsub +info",
        "-keys -@scripting -flushall -flushdb",
    ]
)


@pytest.fixture
def store(services: Services) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(f"{services.redis_url}?db={DB}") as connection:
        connection.flushdb()
        yield connection
        connection.flushdb()


def command(connection: Any, *words: str) -> None:
    """Send a command as it is."""
    connection.execute_command(*words)


@pytest.fixture
def queue(services: Services, store: "redis.Redis") -> Iterator[RedisQueue]:
    """Give the portal's queue, as a user who may do no more than it must."""
    rules = ["resetchannels", "&*", *RULES.split()]
    assert RULES in (ROOT / "docs" / "operations" / "running.md").read_text()
    command(store, "ACL", "SETUSER", "portal", "reset", "on", ">secret", *rules)
    address = services.redis_url.replace("://", "://portal:secret@", 1)
    yield RedisQueue(f"{address}?db={DB}")
    command(store, "ACL", "DELUSER", "portal")


def fail(store: "redis.Redis", why: str, job: str = "deliver", argument: str = "x") -> str:
    """Let a job have failed as RQ's own worker notes it; return its id."""
    rq_queue = Queue(QueueName.DELIVER, connection=store, serializer=JSONSerializer)
    made = rq_queue.enqueue(job, argument, failure_ttl=3600)
    rq_queue.remove(made)
    worker = SimpleWorker([rq_queue], connection=store, serializer=JSONSerializer)
    made.started_at = None
    worker.handle_job_failure(made, rq_queue, exc_string=why)
    return str(made.id)


def test_bells_that_hang(queue: RedisQueue, store: "redis.Redis") -> None:
    assert {name: state.depth for name, state in queue.queues().items()} == dict.fromkeys(QueueName, 0)
    for _ in range(2):
        queue.enqueue(JobName.DELIVER, str(uuid4()))
    first: Any = store.lindex("rq:queue:deliver", 0)
    store.hset(Job.key_for(first.decode()), "enqueued_at", "2020-01-01T00:00:00.000000Z")
    states = queue.queues()
    assert (states[QueueName.DELIVER].depth, states[QueueName.SCAN].oldest) == (2, None)
    assert (states[QueueName.DELIVER].oldest or 0) > 86400 * 365


def test_failed_jobs_with_their_tracebacks(queue: RedisQueue, store: "redis.Redis") -> None:
    argument = str(uuid4())
    job_id = fail(store, "Traceback:\n" + "x" * 50_000 + "\nValueError: no such row", argument=argument)
    state = queue.queues()[QueueName.DELIVER]
    (failed,) = state.failed
    assert state.failed_count == 1
    assert (failed.id, failed.job, failed.argument) == (job_id, JobName.DELIVER, argument)
    assert failed.failed_at is not None
    assert failed.traceback.endswith("ValueError: no such row")
    assert len(failed.traceback) < 7000
    assert queue.failed(job_id) == failed
    queue.forget(job_id)
    queue.forget(job_id)
    assert queue.queues()[QueueName.DELIVER].failed_count == 0
    assert [key for key in store.scan_iter() if job_id.encode() in key] == []
    with pytest.raises(NotFoundError):
        queue.failed(job_id)


@pytest.mark.parametrize(
    "data", [b"", b"nothing", b'["deliver"]', zlib.compress(b"[1, 2, [], {}]"), b"\xff" * 50]
)
def test_what_cannot_be_read_is_shown_all_the_same(
    queue: RedisQueue, store: "redis.Redis", data: bytes
) -> None:
    job_id = fail(store, "")
    store.hset(Job.key_for(job_id), "data", data)
    store.delete(f"rq:results:{job_id}")
    failed = queue.failed(job_id)
    assert (failed.job, failed.traceback) == (None, "No traceback was kept.")


def test_a_packed_bomb_stays_packed(queue: RedisQueue, store: "redis.Redis") -> None:
    """Others may be able to write to Redis: what is shown is cut while it is unpacked."""
    job_id = fail(store, "short")
    bomb = zlib.compress(b"a" * 50 * 1024**2)
    store.delete(f"rq:results:{job_id}")
    store.xadd(f"rq:results:{job_id}", {"exc_string": b64encode(bomb), "type": "2"})
    store.hset(Job.key_for(job_id), "data", bomb)
    failed = queue.failed(job_id)
    assert (failed.job, len(failed.traceback)) == (None, 6001)


def test_only_so_many_are_shown(queue: RedisQueue, store: "redis.Redis") -> None:
    for _ in range(23):
        fail(store, "why")
    state = queue.queues()[QueueName.DELIVER]
    assert (state.failed_count, len(state.failed)) == (23, 20)


def test_workers(queue: RedisQueue, store: "redis.Redis") -> None:
    rq_queue = Queue(QueueName.SCAN, connection=store, serializer=JSONSerializer)
    worker: Any = SimpleWorker([rq_queue], connection=store, serializer=JSONSerializer, name="one")
    worker.register_birth()
    worker.set_state("busy")
    job = rq_queue.enqueue(JobName.SCAN_UPLOAD.value, "x")
    worker.set_current_job_id(job.id)
    (seen,) = queue.crew()
    assert (seen.name, seen.queue, seen.state, seen.job) == ("one", QueueName.SCAN, "busy", "scan_upload")
    assert seen.since is not None
    store.delete(worker.key)
    assert queue.crew() == [], "its heart has stopped"


def test_the_server(queue: RedisQueue) -> None:
    server = queue.server()
    assert int(server.version.partition(".")[0]) >= 6
    assert server.memory > 100_000


@pytest.mark.parametrize(
    "words", [["FLUSHALL"], ["KEYS", "*"], ["EVAL", "return 1", "0"], ["CONFIG", "GET", "*"]]
)
def test_its_user_may_do_no_more_than_it_must(queue: RedisQueue, words: list[str]) -> None:
    with pytest.raises(redis.exceptions.NoPermissionError):
        command(queue._redis, *words)


def test_away() -> None:
    away = RedisQueue("redis://127.0.0.1:1")
    for look in (away.queues, away.crew, away.server, lambda: away.failed("x"), lambda: away.forget("x")):
        with pytest.raises(DependencyError):
            look()
