"""A unit of work: one transaction, who does it, and the jobs that leave after its commit."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.orm import Session

from app.db import Database
from app.domain.errors import DependencyError
from app.domain.jobs import JobName
from app.domain.policy import Actor
from app.log import get_logger
from app.ports import JobQueue
from app.settings import Settings

log = get_logger(__name__)

_NOBODYS = UUID(int=0)  # organisation of whoever should have one and has not


@dataclass(slots=True)
class UnitOfWork:
    """What a service works with. It never commits: the block that opened it does."""

    session: Session
    actor: Actor
    settings: Settings
    request_id: str | None = None
    _doorbells: list[tuple[JobName, str]] = field(default_factory=list)

    def enqueue(self, job: JobName, argument: str) -> None:
        """Ring for ``job`` once the transaction has been committed."""
        self._doorbells.append((job, argument))

    def ring(self, queue: JobQueue) -> None:
        """Send what was enqueued.

        A bell that cannot ring is no error: the row is the truth, and the sweeper finds it.
        """
        for job, argument in self._doorbells:
            try:
                queue.enqueue(job, argument)
            except DependencyError as error:
                log.warning("doorbell_unheard", job=job, argument=argument, **error.context)


@contextmanager
def unit_of_work(
    database: Database,
    queue: JobQueue,
    settings: Settings,
    actor: Actor,
    request_id: str | None = None,
) -> Iterator[UnitOfWork]:
    """Open a transaction as ``actor``, commit it, then ring for its jobs.

    The database shows a customer their organisation alone, whatever a query forgets to ask.

    Raises:
        DependencyError: the database is away.
    """
    with database.transaction(None if actor.sees_all else actor.organisation_id or _NOBODYS) as session:
        uow = UnitOfWork(session, actor, settings, request_id)
        yield uow
    uow.ring(queue)
