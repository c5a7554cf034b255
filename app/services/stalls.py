"""Noticing that something waits that should not: its worker is away, or nobody hears its bell."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, select

from app.domain.events import Event
from app.domain.payloads import ServiceFacts
from app.models import Delivery, EventRecord, Gate, Upload
from app.queries import gate
from app.services import deliveries, notices
from app.services.scanning import claims, leases
from app.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many wait for one thing to be done, and since when the ``oldest`` does; ``seconds`` ago."""

    name: str
    count: int
    oldest: datetime | None
    seconds: float

    @property
    def reason(self) -> str:
        """Say it for people."""
        return f"{self.count:,} wait, the oldest for {self.seconds / 60:.0f} minutes."

    def too_long(self, limit: float) -> bool:
        """Whether the oldest has waited for more than ``limit`` seconds."""
        return self.seconds > limit


#: The step of the scheduler that watches.
STEP: Final = "watch_queues"

CHECKS, LARGE_CHECKS = "virus checks", "virus checks of large bundles"
EVENTS, MESSAGES = "events to be told", "messages"


def waiting(uow: UnitOfWork) -> list[Waiting]:
    """Return what waits for which kind of work, by the rows. Bells in Redis are not asked.

    A bundle waits since it was sealed, and never for longer than the gate is open; while a worker has it,
    it does not wait.
    """
    opened = select(Gate.changed_at).where(Gate.id == 1).scalar_subquery()
    since = func.greatest(Upload.sealed_at, opened)
    large = Upload.size > uow.settings.scan_large_bytes
    unclaimed = (claims.unjudged(), leases.free())
    found = {
        EVENTS: _oldest(EventRecord.created_at).where(EventRecord.spread_at.is_(None)),
        MESSAGES: _oldest(Delivery.next_at).where(deliveries.is_due()),
    }
    if gate.current(uow.session).open:
        found[CHECKS] = _oldest(since).where(*unclaimed, ~large)
        found[LARGE_CHECKS] = _oldest(since).where(*unclaimed, large)
    rows = {name: uow.session.execute(query).one() for name, query in found.items()}
    return [Waiting(name, row[0], row[1], float(row[2] or 0)) for name, row in rows.items()]


def _oldest(since: ColumnElement[Any] | Any) -> Select[int, Any, Any]:
    oldest = func.min(since)
    return select(func.count(since), oldest, func.extract("epoch", func.now() - oldest))


def tell(uow: UnitOfWork, known: Mapping[str, str]) -> dict[str, str]:
    """Tell admins of each kind of work that has waited for too long; return since when, by name.

    ``known`` is what the last call returned: a stall is told once, until nothing of its kind waits for
    so long any more.
    """
    stuck: dict[str, str] = {}
    for each in waiting(uow):
        if not each.too_long(uow.settings.queue_stuck_after):
            continue
        since = known.get(each.name) or str(each.oldest)
        stuck[each.name] = since
        if each.name not in known:
            notices.announce(
                uow,
                Event.QUEUE_STUCK,
                payload=ServiceFacts(
                    name=each.name, reason=each.reason, waiting=each.count, oldest=round(each.seconds)
                ),
                occasion=f"{each.name} {since}",
                told={"name": each.name, "reason": each.reason},
            )
    return stuck
