"""Somebody unsubscribes, or reads, while their daily mail is made: one waits, and nobody fails."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text

from app.domain.events import Event
from app.models import Account, Subscription
from app.queries.accounts import actor_of
from app.services import digests, sights, unsubscribing
from app.system import System
from app.uow import UnitOfWork
from tests.factories.people import make_actor
from tests.integration.daily import happen, make_due, make_reader
from tests.live import eventually

_WAITS = text(
    "SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid)"
    " WHERE datname = current_database() AND NOT granted LIMIT 1"
)


def stop(uow: UnitOfWork, reader: Account) -> None:
    unsubscribing.stop(uow, reader.id, Event.UPLOAD_CLEAN)


def read(uow: UnitOfWork, reader: Account) -> None:
    sights.read_all(uow)


@pytest.mark.parametrize("act", [stop, read])
def test_it_meets_the_daily_mail(committed: System, act: Callable[[UnitOfWork, Account], None]) -> None:
    """The mail's notices are locked, and its row is not written yet."""
    reader = make_reader(committed)
    for _ in range(3):
        happen(committed, make_actor(committed))
    make_due(committed)
    put = digests._put

    def other() -> None:
        actor = actor_of(reader, None) if act is read else None
        with committed.work(actor) if actor else committed.work() as uow:
            act(uow, reader)

    def blocked() -> bool:
        with committed.work() as uow:
            return uow.session.scalar(_WAITS) is not None

    with ThreadPoolExecutor(1) as pool, pytest.MonkeyPatch.context() as patch:
        waiting = []

        def late(*given: object) -> bool:
            waiting.append(pool.submit(other))
            eventually(blocked, "the other to wait", 10)
            return put(*given)  # type: ignore[arg-type]

        patch.setattr(digests, "_put", late)
        with committed.work() as uow:
            assert digests.gather(uow) == 1
        waiting[0].result(20)
    with committed.work() as uow:
        ways = uow.session.scalars(select(Subscription.way)).all()
    assert ways == (["portal"] if act is stop else ["digest"])
