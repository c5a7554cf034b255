"""A database in one transaction, which tests look through too."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.db import Database
from tests.audited import Watch


class OneConnection(Database):
    """A Database on a connection that tests look through too: each unit of work leaves it as the owner's."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.watch = Watch()

    @contextmanager
    def transaction(self, organisation_id: UUID | None = None) -> Iterator[Session]:
        with super().transaction(organisation_id) as session, self.watch.over(session):
            yield session
        self.sessions.kw["bind"].exec_driver_sql("SELECT set_config('role', 'none', true)")
