"""T15: what was told long ago is forgotten, and nothing that anybody still waits for."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from app.domain.events import Event
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor, Role
from app.jobs import periodic
from app.models import Delivery, EventRecord, Notice
from app.services import removal, told_long_ago
from app.system import System
from tests.factories.people import make_account
from tests.factories.uploads import make_upload

DAY = timedelta(days=1)


def ago(days: float | None) -> object:
    return None if days is None else func.now() - days * DAY


def happened(system: System, days: float, *, spread: bool = True, **values: object) -> EventRecord:
    with system.work() as uow:
        record = EventRecord(
            event=values.pop("event", Event.UPLOAD_CLEAN),
            dedupe_key=uuid4().hex,
            created_at=ago(days),
            spread_at=ago(days) if spread else None,
            **values,
        )
        uow.session.add(record)
    return record


def delivered(system: System, record: EventRecord, days: float, **ended: float) -> UUID:
    with system.work() as uow:
        delivery = Delivery(
            event=record.event,
            record_id=record.id,
            recipient="x@example.com",
            dedupe_key=uuid4().hex,
            created_at=ago(days),
            **{name: ago(value) for name, value in ended.items()},
        )
        uow.session.add(delivery)
        uow.session.flush()
        return delivery.id


def noticed(system: System, record: EventRecord, days: float, read: float | None = None) -> UUID:
    account = make_account(system, Role.ENGINEER)
    with system.work() as uow:
        notice = Notice(account_id=account.id, record_id=record.id, created_at=ago(days), read_at=ago(read))
        uow.session.add(notice)
        uow.session.flush()
        return notice.id


def left(system: System, table: type[Notice | Delivery | EventRecord]) -> set[UUID]:
    periodic.forget_old(system)
    with system.work() as uow:
        return set(uow.session.scalars(select(table.id)))


def test_notices(system: System) -> None:
    """Read ones after 30 days, any after 180; the record goes with the last of them, and not before 180."""
    record, old = happened(system, 100), happened(system, 181)
    stay = {noticed(system, record, 100), noticed(system, record, 100, read=29)}
    noticed(system, record, 100, read=31)
    unread = noticed(system, old, 179)
    noticed(system, old, 181)
    assert left(system, Notice) == stay | {unread}
    assert left(system, EventRecord) == {record.id, old.id}
    with system.work() as uow:
        uow.session.delete(uow.session.get_one(Notice, unread))
    assert left(system, EventRecord) == {record.id}


def test_deliveries(system: System) -> None:
    """What has gone, or died, half a year ago; what waits is kept, and its record with it."""
    gone, waits, lately, letter = (happened(system, 200) for _ in range(4))
    delivered(system, gone, 200, sent_at=181)
    delivered(system, gone, 200, dead_at=181)
    stay = {
        delivered(system, waits, 200),
        delivered(system, lately, 200, sent_at=179),  # it had waited long
        delivered(system, letter, 200, dead_at=179),
    }
    assert left(system, Delivery) == stay
    assert left(system, EventRecord) == {waits.id, lately.id, letter.id}


@pytest.mark.parametrize(("days", "spread"), [(181, False), (179, True)])
def test_records_that_nobody_heard_of_yet_or_lately(system: System, days: float, *, spread: bool) -> None:
    record = happened(system, days, spread=spread)
    assert left(system, EventRecord) == {record.id}


def test_that_a_deletion_was_told_is_known_until_it_is_deleted(system: System, sender: Actor) -> None:
    upload = make_upload(system, sender, UploadState.CLEAN)
    told = happened(system, 200, event=Event.UPLOAD_DELETION_DUE, upload_id=upload.id)
    other = happened(system, 200, upload_id=upload.id)
    kept = left(system, EventRecord)
    assert told.id in kept
    assert other.id not in kept
    with system.work() as uow:
        removal.delete(uow, upload.id)
    assert told.id not in left(system, EventRecord)


def test_so_many_at_a_time(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(told_long_ago, "BATCH", 2)
    for _ in range(5):
        happened(system, 200)
    assert [len(left(system, EventRecord)) for _ in range(3)] == [3, 1, 0]
