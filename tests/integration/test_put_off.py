"""What cannot be written or spread is put off, and keeps nothing else waiting (F24)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import time

import pytest
from sqlalchemy import event as listen
from sqlalchemy import func, select, update

from app.domain.events import Event
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor, Role
from app.jobs.deliver import deliver, spread_event
from app.models import Account, Channel, Delivery, EventRecord, Notice
from app.queries import subscriptions
from app.services import deliveries, letters, notices, outcomes, spreading
from app.system import System
from tests.factories.mailbox import spread_all
from tests.factories.people import make_account
from tests.factories.told import make_channel
from tests.factories.uploads import make_upload
from tests.fakes import FakeMailer
from tests.integration.hearing import Told, World
from tests.integration.test_spreading import SHOWN


class WordsFailError(Exception):
    """What no one expected."""


def fails(*_args: object, **_more: object) -> None:
    raise WordsFailError


@pytest.fixture
def row(system: System, sender: Actor) -> Delivery:
    """Give a mail that waits, with a code in it."""
    make_upload(system, sender, UploadState.CLEAN)
    with system.work() as uow:
        notices.tell(uow, Event.ACCOUNT_CHANGED, "ann@example.com", code="a code", what="password")
        return uow.session.scalars(select(Delivery).where(Delivery.recipient == "ann@example.com")).one()


def fresh(system: System, row: Delivery) -> Delivery:
    with system.work() as uow:
        return uow.session.get_one(Delivery, row.id, populate_existing=True)


def try_once(system: System, row: Delivery) -> Delivery:
    with system.work() as uow:
        uow.session.execute(update(Delivery).values(next_at=func.now()))
    with pytest.raises(WordsFailError):  # admins see it among the jobs that failed
        deliver(system, str(row.id))
    return fresh(system, row)


def test_of_what_no_words_can_be_made_is_tried_later_and_dies_in_the_end(
    system: System, row: Delivery, monkeypatch: pytest.MonkeyPatch, mailer: FakeMailer
) -> None:
    monkeypatch.setattr(letters, "compose", fails)
    after = try_once(system, row)
    assert (after.attempts, after.failures, after.dead_at) == (0, 1, None)
    assert "WordsFailError" in str(after.last_error)
    with system.work() as uow:
        assert row.id not in deliveries.due(uow, 0, 100)
    for _ in range(outcomes.MAX_FAILURES - 1):
        assert fresh(system, row).dead_at is None
        after = try_once(system, row)
    assert after.dead_at is not None
    assert after.told == {"what": "password"}, "the code is kept no longer"
    monkeypatch.undo()
    deliver(system, str(row.id))
    assert mailer.sent == []


def test_a_channel_is_not_to_blame(system: System, sender: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    channel = make_channel(system)
    make_upload(system, sender, UploadState.CLEAN)
    spread_all(system)
    with system.work() as uow:
        row = uow.session.scalars(select(Delivery).where(Delivery.channel_id == channel.id)).one()
    monkeypatch.setattr(letters, "compose", fails)
    assert try_once(system, row).failures == 1
    with system.work() as uow:
        assert uow.session.get_one(Channel, channel.id, populate_existing=True).failures == 0


def test_who_cannot_be_told_keeps_nobody_else_from_hearing(system: System) -> None:
    world = World(system)
    with system.work() as uow:
        row = uow.session.get_one(Account, world.people["engineer"].id)
        row.time_zone, row.quiet_from, row.quiet_until = "Nowhere/At_All", time(22), time(7)
    told = world.tell(Event.UPLOAD_CLEAN)
    assert told == Told(SHOWN[Event.UPLOAD_CLEAN] - {"engineer"}, SHOWN[Event.UPLOAD_CLEAN] - {"engineer"})


def test_what_cannot_be_spread_waits_longer_each_time(
    system: System, sender: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_upload(system, sender, UploadState.CLEAN)
    spread_all(system)
    with system.work() as uow:
        notices.announce(uow, Event.GATE_OPENED)
        record_id = uow.session.scalars(select(EventRecord.id).where(EventRecord.spread_at.is_(None))).one()
    monkeypatch.setattr(subscriptions, "wishes_for", fails)
    waits = []
    for _ in range(3):
        with pytest.raises(WordsFailError):
            spread_event(system, str(record_id))
        with system.work() as uow:
            assert spreading.waiting(uow, 0, 100) == []
            wait = func.extract("epoch", EventRecord.next_at - func.now())
            waits.append(int(uow.session.scalars(select(wait).where(EventRecord.id == record_id)).one()))
    assert waits == [15, 30, 60]
    monkeypatch.undo()
    with system.work() as uow:
        uow.session.execute(update(EventRecord).values(next_at=func.now()))
        assert spreading.waiting(uow, 0, 100) == [record_id]
    admin = make_account(system, Role.ADMIN)
    spread_event(system, str(record_id))
    with system.work() as uow:
        assert uow.session.scalars(select(Notice.account_id)).all()[-1:] == [admin.id]


@contextmanager
def counted(system: System) -> Iterator[list[str]]:
    """Keep the statements of the block."""
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        said.append(statement)

    listen.listen(system.database.engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        listen.remove(system.database.engine, "before_cursor_execute", note)


def test_what_it_costs_does_not_grow_with_who_hears(system: System, sender: Actor) -> None:
    people = [make_account(system, Role.ENGINEER) for _ in range(40)]
    make_channel(system)
    make_upload(system, sender, UploadState.CLEAN)
    with system.work() as uow:
        is_it = (EventRecord.event == Event.UPLOAD_CLEAN, EventRecord.spread_at.is_(None))
        record_id = uow.session.scalars(select(EventRecord.id).where(*is_it)).one()
    with counted(system) as said:
        spread_event(system, str(record_id))
    with system.work() as uow:
        mails = select(func.count()).select_from(Delivery).where(Delivery.record_id == record_id)
        assert uow.session.scalar(mails) == len(people) + 2
    assert len(said) < 20, said
