"""What an admin does about a job that failed. The job itself is gone from the queue by other hands."""

from contextlib import suppress
from uuid import UUID

from app.domain.errors import StateConflictError
from app.ports.queue import FailedJob
from app.services import audit
from app.uow import UnitOfWork


def retry(uow: UnitOfWork, failed: FailedJob) -> None:
    """Ring for it once more. It is rung for anew: nothing else that Redis holds of it is believed.

    Raises:
        StateConflictError: it is none of our jobs.
    """
    with suppress(ValueError):
        if failed.job is not None and failed.argument is not None:
            argument = str(UUID(failed.argument))
            audit.record(uow, "job.retried", job=failed.job, argument=argument)
            uow.enqueue(failed.job, argument)
            return
    raise StateConflictError("This is no job of the portal. It can only be forgotten.")


def forget(uow: UnitOfWork, failed: FailedJob) -> None:
    """Note that nobody needs to know of it any more."""
    audit.record(uow, "job.forgotten", job=failed.job, argument=failed.argument)
