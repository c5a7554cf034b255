"""The process as a whole: settings, adapters and database, and the units of work made of them."""

from contextlib import AbstractContextManager
from dataclasses import dataclass

from app.db import Database
from app.domain.policy import SYSTEM, Actor
from app.ports import Adapters
from app.settings import Settings
from app.uow import UnitOfWork, unit_of_work


@dataclass(frozen=True, slots=True)
class System:
    settings: Settings
    adapters: Adapters
    database: Database

    def work(
        self, actor: Actor = SYSTEM, request_id: str | None = None
    ) -> AbstractContextManager[UnitOfWork]:
        """Open a unit of work, by default as the system itself."""
        return unit_of_work(self.database, self.adapters.queue, self.settings, actor, request_id)
