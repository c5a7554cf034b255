"""The RQ worker: only names on the list run, in a fork with fresh connections."""

import ctypes
import os
import signal
from functools import partial
from typing import Any

from rq import Queue, Worker, worker_registration
from rq.job import Job
from rq.serializers import JSONSerializer

from app import log as logs
from app import tracing
from app.domain.jobs import JobName, QueueName
from app.jobs import JOBS
from app.log import get_logger
from app.system import System

log = get_logger(__name__)

_PR_SET_PDEATHSIG = 1
_WORKER_TTL = 30  # seconds; it beats twice as often, and is taken for dead 60 seconds after it stops


def make_worker(system: System, connection: Any, queue: QueueName) -> Worker:
    """Return a worker for one queue (with several, RQ loses the job of a worker that dies)."""
    job_class = _allow_listed(system)
    return _ForkingWorker(
        [Queue(queue, connection=connection, serializer=JSONSerializer, job_class=job_class)],
        connection=connection,
        serializer=JSONSerializer,
        job_class=job_class,
        log_job_description=False,
        worker_ttl=_WORKER_TTL,
        system=system,
    )


class _ForkingWorker(Worker):
    max_connection_wait_time = 5.0  # seconds between two looks for a Redis that is away

    def __init__(self, *args: Any, system: System, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._system = system
        if system.settings.otlp_endpoint:
            tracing.prepare()

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """Set up the fork: it dies with its worker, and shares no connection with it."""
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != self.pid:
            os._exit(1)  # the worker died before the line above took effect
        self._system.database.renew()
        logs.bind(job_id=job.id)
        if endpoint := self._system.settings.otlp_endpoint:
            tracing.start(endpoint, "worker", self._system.settings.environment, hurried=True)
        super().main_work_horse(job, queue)

    def perform_job(self, job: Job, queue: Queue) -> bool:
        """Do it. The fork ends without a word right after, so what it traced is sent first."""
        try:
            done: bool = super().perform_job(job, queue)
            return done
        finally:
            tracing.flush()

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Register too: RQ does so at birth alone, and a Redis that was emptied has forgotten it."""
        super().heartbeat(timeout, pipeline)
        worker_registration.register(self, pipeline)


def _allow_listed(system: System) -> type[Job]:
    class AllowListedJob(Job):
        """What Redis holds of a job is a name and one id; everything else in it is ignored."""

        @property
        def func(self) -> partial[None]:
            """The listed function. Raises PermissionError for anything else."""
            try:
                function = JOBS[JobName(str(self.func_name))]
            except ValueError:
                raise PermissionError(f"{self.func_name!r} is no job of ours") from None
            if len(self.args) != 1 or not isinstance(self.args[0], str) or self.kwargs:
                raise PermissionError("a job takes one id")
            return partial(function, system)

        success_callback = failure_callback = stopped_callback = None

        def send_webhooks(self, *_args: object, **_kwargs: object) -> None:
            """Call nobody: the addresses come from Redis."""

    return AllowListedJob
