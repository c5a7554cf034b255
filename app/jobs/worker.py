"""The RQ worker: only names on the list run, in a fork with fresh connections.

Told to stop it begins nothing more. The job under way has `Settings.graceful_timeout` seconds, less those
that it takes to let go of it (`app.jobs.letting_go`); told again, it lets go at once.
"""

import ctypes
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from rq import Queue, worker_registration
from rq.exceptions import InvalidJobOperation, StopRequested
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer
from rq.worker.base import WorkerStatus

from app import log as logs
from app import tracing
from app.domain.jobs import JobName, QueueName
from app.jobs import JOBS, heartbeat, letting_go
from app.jobs.patient import PatientWorker
from app.log import get_logger
from app.system import System

log = get_logger(__name__)

_PR_SET_PDEATHSIG = 1
_WORKER_TTL = 30  # seconds; it beats twice as often, and is taken for dead 60 seconds after it stops


_FAREWELL_SECONDS = 10.0  # before the end, for letting go
_TWICE_SECONDS = 1.0  # within which a second signal is the first one, sent twice
_LOOK_SECONDS = 5.0  # between two looks at whether the database takes our password again


def make_worker(
    system: System, connection: Any, queue: QueueName, protect: Callable[[], None] = lambda: None
) -> PatientWorker:
    """Return a worker for one queue (with several, RQ loses the job of a worker that dies).

    ``protect`` is called about every half minute of a job.
    """
    job_class = _allow_listed(system)
    return _ForkingWorker(
        [Queue(queue, connection=connection, serializer=JSONSerializer, job_class=job_class)],
        connection=connection,
        serializer=JSONSerializer,
        job_class=job_class,
        log_job_description=False,
        worker_ttl=_WORKER_TTL,
        system=system,
        protect=protect,
    )


class _ForkingWorker(PatientWorker):
    def __init__(self, *args: Any, system: System, protect: Callable[[], None], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._system = system
        self._protect = protect
        self._told_at = 0.0
        self._hurried = False
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

    def setup_work_horse_signals(self) -> None:
        """Listen to whether to let go; RQ's own job would die of it."""
        super().setup_work_horse_signals()  # type: ignore[no-untyped-call]
        letting_go.listen()

    def maintain_heartbeats(self, job: Job) -> None:
        """Protect what lasts: a job that ends sooner than this ends within the time after SIGTERM, too.

        Were every short one protected, a queue that is never empty would let no release through.
        """
        self._protect()
        super().maintain_heartbeats(job)

    def handle_warm_shutdown_request(self) -> None:
        """Set the job under way its time."""
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]
        self._told_at = time.monotonic()
        left = self._system.settings.graceful_timeout
        limit = threading.Timer(left - min(_FAREWELL_SECONDS, left / 2), self._hurry)
        limit.daemon = True
        limit.start()

    def request_force_stop(self, signum: int, frame: Any) -> None:  # noqa: ARG002
        """Ask for the job at the second signal. RQ would kill it; whoever wants that has SIGKILL."""
        if time.monotonic() - self._told_at > _TWICE_SECONDS:
            self._hurry()

    def _hurry(self) -> None:
        """Ask the job to let go."""
        self._hurried = True
        if self.horse_pid:
            self.kill_horse(signal.SIGTERM)

    def monitor_work_horse(self, job: Job, queue: Queue) -> None:
        """Forget a job that was handed on without RQ's knowledge: it neither failed nor was lost."""
        super().monitor_work_horse(job, queue)
        if self._hurried:
            with suppress(InvalidJobOperation):  # it is gone already, as whatever ends by itself
                if job.get_status() is JobStatus.STARTED:
                    job.delete(remove_from_queue=False)

    def perform_job(self, job: Job, queue: Queue) -> bool:
        """Do it. The fork ends without a word right after, so what it traced is sent first."""
        try:
            done: bool = super().perform_job(job, queue)
            return done
        finally:
            tracing.flush()

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Say that it lives. With no job under way it waits here while the database refuses our password.

        It could do nothing with a job; who has the new password takes it.

        Raises:
            StopRequested: that has lasted too long, and no job is under way.
        """
        self._beat(timeout, pipeline)
        if self.is_horse:
            return
        database = self._system.database
        if database.refused():
            self._stop_requested = True  # after the job that is under way, which beats by a pipeline
        if pipeline is not None or self.get_state() == WorkerStatus.BUSY:
            return
        while database.turned_away():
            if database.refused():
                raise StopRequested  # a bell that was just taken will be rung again
            time.sleep(_LOOK_SECONDS)
            self._beat(timeout, pipeline)

    def _beat(self, timeout: int | None, pipeline: Any) -> None:
        """Register too: RQ does so at birth alone, and a Redis that was emptied has forgotten it.

        The container's sign of life comes first: where Redis is away, another worker would not be better.
        """
        heartbeat.beat(self._system.settings, self.queues[0].name)
        super().heartbeat(timeout, pipeline)
        with self.without_redis():
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
