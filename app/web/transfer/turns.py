"""Units of work that change what an organisation holds, one after the other in each process.

All of them update the organisation's row (`app.services.quota`). Were they to wait for each other
in the database, each would hold a connection meanwhile, and a crowd of senders would take from
pages all there are.
"""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from flask import current_app

from app.uow import UnitOfWork
from app.web.context import actor, work


class Turns:
    """A lock for each organisation that has sent anything since the process began."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._locks: defaultdict[UUID | None, threading.Lock] = defaultdict(threading.Lock)

    def of(self, organisation_id: UUID | None) -> threading.Lock:
        """Return the organisation's lock."""
        with self._lock:
            return self._locks[organisation_id]


@contextmanager
def work_in_turn() -> Iterator[UnitOfWork]:
    """Open a unit of work as whoever asks, once it is their organisation's turn."""
    turns: Turns = current_app.extensions.setdefault("diagport.turns", Turns())
    with turns.of(actor().organisation_id), work() as uow:
        yield uow
