"""The doorbell: RQ on Redis. It carries a job's name and the id of a row, nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from rq import Queue, worker_registration
from rq.serializers import JSONSerializer

from app.adapters import queue_looks
from app.domain.errors import DependencyError, NotFoundError
from app.domain.jobs import QUEUE_OF, JobName, QueueName
from app.ports.queue import FailedJob, QueueServer, QueueState, WorkerState

#: Longest a job may run, seconds; a lease, not this, decides whose result counts.
_JOB_TIMEOUT = 6 * 3600


def connect(url: str) -> "redis.Redis":
    """Open a pool whose calls fail within seconds rather than hang a request."""
    return redis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=5)


@contextmanager
def _as_dependency() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise DependencyError("The job queue is away.", cause=str(error)) from error


class RedisQueue:
    """Rings RQ queues, one per `QueueName`."""

    def __init__(self, url: str) -> None:
        self._redis = connect(url)

    def enqueue(self, job: JobName, argument: str) -> None:
        """Ring once more, whatever hangs in the queue already: a job done twice is harmless.

        Raises:
            DependencyError: Redis is away or refuses writes.
        """
        with _as_dependency():
            Queue(QUEUE_OF[job], connection=self._redis, serializer=JSONSerializer).enqueue(
                job.value,
                argument,
                job_timeout=_JOB_TIMEOUT,
                result_ttl=0,
                failure_ttl=3600,
                ttl=24 * 3600,
            )

    def waiting(self, job: JobName) -> int:
        """Return how many bells hang in the job's queue.

        Raises:
            DependencyError: Redis is away.
        """
        with _as_dependency():
            return Queue(QUEUE_OF[job], connection=self._redis, serializer=JSONSerializer).count

    def workers(self) -> dict[QueueName, int]:
        """Return how many workers listen to each queue.

        Raises:
            DependencyError: Redis is away.
        """
        with _as_dependency():
            return {name: self._listening(name) for name in QueueName}

    def _listening(self, name: QueueName) -> int:
        # RQ's own count holds the dead as well; only their keys end by themselves.
        keys = worker_registration.get_keys(queue=Queue(name, connection=self._redis))
        return int(self._redis.exists(*keys)) if keys else 0

    def queues(self) -> dict[QueueName, QueueState]:
        """See `app.ports.JobQueue`."""
        with _as_dependency():
            return {name: queue_looks.queue_state(self._redis, name) for name in QueueName}

    def crew(self) -> list[WorkerState]:
        """See `app.ports.JobQueue`."""
        with _as_dependency():
            return [worker for name in QueueName for worker in queue_looks.crew(self._redis, name)]

    def server(self) -> QueueServer:
        """See `app.ports.JobQueue`."""
        with _as_dependency():
            info: Any = self._redis.info()
        return QueueServer(
            str(info.get("redis_version", "?")),
            int(info.get("used_memory", 0)),
            int(info.get("maxmemory", 0)),
        )

    def failed(self, job_id: str) -> FailedJob:
        """See `app.ports.JobQueue`."""
        with _as_dependency():
            found = queue_looks.find_failed(self._redis, job_id)
        if found is None:
            raise NotFoundError("No such job has failed lately.")
        return found

    def forget(self, job_id: str) -> None:
        """See `app.ports.JobQueue`."""
        with _as_dependency():
            queue_looks.forget_failed(self._redis, job_id)

    def check(self) -> None:
        """Raises DependencyError when Redis does not answer."""
        with _as_dependency():
            self._redis.ping()
