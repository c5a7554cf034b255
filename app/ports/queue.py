"""What rings for jobs, as a Protocol."""

from typing import Protocol

from app.domain.jobs import JobName, QueueName


class JobQueue(Protocol):
    def enqueue(self, job: JobName, argument: str) -> None:
        """Ring the doorbell. Raises DependencyError when nobody can hear it."""

    def waiting(self, job: JobName) -> int:
        """Return how many bells hang in the job's queue. Raises DependencyError."""

    def workers(self) -> dict[QueueName, int]:
        """Return how many workers listen to each queue. Raises DependencyError."""

    def check(self) -> None:
        """Raises DependencyError when the queue's server is away."""
