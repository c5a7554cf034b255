"""What rings for jobs, and what can be seen of those who hear it, as a Protocol."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.domain.jobs import JobName, QueueName


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A job that ended with an error. ``job`` is None if it is none of ours, or cannot be read.

    All of it comes from the queue's server, which others may write to: it is for people to read.
    """

    id: str
    queue: QueueName
    job: JobName | None
    argument: str | None
    failed_at: datetime | None
    traceback: str


@dataclass(frozen=True, slots=True)
class QueueState:
    """``depth`` bells hang, the oldest for ``oldest`` seconds by this host's clock (None: unknown).

    ``failed_count`` jobs failed lately, and ``failed`` has the newest of them.
    """

    depth: int
    oldest: float | None = None
    failed_count: int = 0
    failed: Sequence[FailedJob] = ()


@dataclass(frozen=True, slots=True)
class WorkerState:
    """``state`` is the queue's own word, such as "busy" or "idle"; ``job`` is what it does now."""

    name: str
    queue: QueueName
    state: str
    job: str | None
    since: datetime | None  # it was started


@dataclass(frozen=True, slots=True)
class QueueServer:
    """``memory`` in use and its ``limit`` in bytes; 0: none was set."""

    version: str
    memory: int
    limit: int


class JobQueue(Protocol):
    def enqueue(self, job: JobName, argument: str) -> None:
        """Ring the doorbell. Raises DependencyError when nobody can hear it."""

    def waiting(self, job: JobName) -> int:
        """Return how many bells hang in the job's queue. Raises DependencyError."""

    def workers(self) -> dict[QueueName, int]:
        """Return how many workers listen to each queue. Raises DependencyError."""

    def queues(self) -> dict[QueueName, QueueState]:
        """Return how things stand in each queue. Raises DependencyError."""

    def crew(self) -> list[WorkerState]:
        """Return the workers that live. Raises DependencyError."""

    def server(self) -> QueueServer:
        """Return what answers. Raises DependencyError."""

    def failed(self, job_id: str) -> FailedJob:
        """Return one job that failed. Raises NotFoundError, DependencyError."""

    def forget(self, job_id: str) -> None:
        """Remove a job that failed; one that is gone is no error. Raises DependencyError."""

    def check(self) -> None:
        """Raises DependencyError when the queue's server is away."""
