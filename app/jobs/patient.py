"""RQ's worker, made to outlast a Redis that is away.

By itself it looks past that only while it waits for a job. What it tells Redis during one is for those who
look on; the right to scan is a lease in the database, so a scan goes on.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from redis import RedisError
from rq import Queue, Worker
from rq.job import Job

from app.log import get_logger

log = get_logger(__name__)


class PatientWorker(Worker):
    """A worker that no error of Redis ends."""

    max_connection_wait_time = 5.0  # seconds between two looks for a Redis that is away

    _alone = False  # without Redis, and that was said

    @contextmanager
    def without_redis(self) -> Iterator[None]:
        """Go on after this block though Redis did not take what is in it. Says so once."""
        try:
            yield
        except RedisError as error:
            self._missed(error)

    def _missed(self, error: RedisError) -> None:
        if not self._alone:
            log.warning("redis_away", queue=self.queues[0].name, why=str(error))
        self._alone = True
        # One that a failover has made a reader keeps its connections: the next call makes its own.
        self.connection.connection_pool.disconnect(inuse_connections=False)

    def _heard(self) -> None:
        if self._alone:
            log.info("redis_back", queue=self.queues[0].name)
        self._alone = False

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Say that the worker lives."""
        if pipeline is not None:
            super().heartbeat(timeout, pipeline)
            return
        with self.without_redis():
            super().heartbeat(timeout)
            self._heard()

    def maintain_heartbeats(self, job: Job) -> None:
        """Say that the job goes on."""
        with self.without_redis():
            super().maintain_heartbeats(job)
            self._heard()

    def set_current_job_working_time(self, current_job_working_time: float, pipeline: Any = None) -> None:
        """Say how long the job has lasted."""
        with self.without_redis():
            super().set_current_job_working_time(current_job_working_time, pipeline)

    def set_state(self, state: str, pipeline: Any = None) -> None:
        """Say what it does."""
        with self.without_redis():
            super().set_state(state, pipeline)

    def set_shutdown_requested_date(self) -> None:
        """Say that it was told to stop, within the handler of that signal."""
        with self.without_redis():
            super().set_shutdown_requested_date()  # type: ignore[no-untyped-call]

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Do a job. Whether it is done is in the database; what rang for it rings again if not."""
        with self.without_redis():
            super().execute_job(job, queue)

    def check_for_suspension(self, burst: bool) -> None:
        """Look whether it may begin, which nobody forbids while Redis is away."""
        with self.without_redis():
            super().check_for_suspension(burst)

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Job, Queue] | None:
        """Wait for a job, whatever Redis says meanwhile: RQ itself takes refused connections alone."""
        while True:
            try:
                return super().dequeue_job_and_maintain_ttl(timeout, max_idle_time)
            except RedisError as error:
                self._missed(error)
            time.sleep(self.max_connection_wait_time)

    def teardown(self) -> None:
        """Take leave, where anybody is there to hear it."""
        with suppress(RedisError):
            super().teardown()  # type: ignore[no-untyped-call]
