"""A date that goes away and comes back: people hear of it anew, and nothing is deleted before. T15."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import event, select

from app.domain.events import Event
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor, Role
from app.domain.retention import RetentionSince
from app.jobs import keeping
from app.models import Delivery, EventRecord, Notice, Upload
from app.queries import clock
from app.services import deadlines, downloads, holding, retention
from app.system import System
from tests.factories.keeping import (
    WHY,
    admin,
    case_of,
    hear_at_once,
    pass_days,
    run,
    set_policy,
    write_dates,
)
from tests.factories.mailbox import send_all, spread_all
from tests.factories.people import make_actor
from tests.factories.uploads import make_upload
from tests.fakes import FakeMailer
from tests.integration.looking import fresh

DELETED, CLEAN = UploadState.DELETED, UploadState.CLEAN
DUE = "has been kept for as long as was agreed"


def by_hold(system: System, upload: Upload) -> None:
    boss = admin(system)
    with system.work(boss) as uow:
        holding.hold(uow, upload.id, WHY)
    run(system)
    pass_days(system, 100)
    with system.work(boss) as uow:
        holding.release(uow, upload.id, WHY)


def by_hold_of_its_case(system: System, upload: Upload) -> None:
    boss = admin(system)
    with system.work(boss) as uow:
        case = holding.hold_case(uow, case_of(uow, "CS-1").id, WHY)
    run(system)
    pass_days(system, 100)
    with system.work(boss) as uow:
        holding.release_case(uow, case.id, WHY)


def by_longer(system: System, upload: Upload) -> None:
    boss = admin(system)
    with system.work(boss) as uow:
        retention.keep(uow, upload.id, clock.now(uow.session) + timedelta(days=365), WHY)
    run(system)
    pass_days(system, 100)
    with system.work(boss) as uow:
        retention.keep(uow, upload.id, None, WHY)


def by_policy(system: System, upload: Upload) -> None:
    set_policy(system, upload.organisation_id, 365)
    run(system)
    pass_days(system, 100)
    set_policy(system, upload.organisation_id, 30)


def by_download(system: System, upload: Upload) -> None:
    """Of a policy that counts from it, and then no more."""
    set_policy(system, upload.organisation_id, 30, RetentionSince.DOWNLOADED)
    with system.work(make_actor(system, Role.ENGINEER)) as uow:
        asked, leave = downloads.leave_for_all(uow, upload.id)
        downloads.note(uow, asked, leave, None)
    pass_days(system, 20)
    set_policy(system, upload.organisation_id, 30)


@pytest.mark.parametrize("way", [by_hold, by_hold_of_its_case, by_longer, by_policy, by_download])
def test_a_date_that_comes_back_is_told_anew(
    system: System, sender: Actor, mailer: FakeMailer, way: Callable[[System, Upload], None]
) -> None:
    set_policy(system, sender.organisation_id, 30)
    hear_at_once(system, sender)
    upload = make_upload(system, sender, CLEAN, case="CS-1")
    send_all(system, mailer)
    pass_days(system, 23.1)
    run(system)
    first = mails(system, mailer)
    assert len(first) == 1
    way(system, upload)
    for _ in range(2):
        run(system)
    assert fresh(system, upload.id).state is CLEAN
    again = mails(system, mailer)
    assert len(again) == 1
    assert again != first, "no mail program takes it for the first, and drops it"
    pass_days(system, 0.4)
    run(system)
    assert fresh(system, upload.id).state is CLEAN
    pass_days(system, 0.2)
    run(system)
    assert fresh(system, upload.id).state is DELETED


def mails(system: System, mailer: FakeMailer) -> set[str]:
    """Send what waits; return the keys of those that say what is deleted soon."""
    return {mail.key for mail in send_all(system, mailer) if DUE in mail.text}


def test_what_waits_to_be_sent_of_a_date_goes_with_it(system: System, sender: Actor) -> None:
    set_policy(system, sender.organisation_id, 30)
    upload = make_upload(system, sender, CLEAN)
    pass_days(system, 23.1)
    run(system)
    spread_all(system)
    assert left(system) == (1, True)
    with system.work(admin(system)) as uow:
        holding.hold(uow, upload.id, WHY)
    assert left(system) == (0, False)


def test_a_date_that_stays_is_told_once(system: System, sender: Actor) -> None:
    """Somebody asks for it to be kept until a day that is before its end anyway."""
    set_policy(system, sender.organisation_id, 30)
    upload = make_upload(system, sender, CLEAN)
    pass_days(system, 23.1)
    run(system)
    with system.work(admin(system)) as uow:
        retention.keep(uow, upload.id, clock.now(uow.session) + timedelta(days=1), WHY)
    write_dates(system)
    assert left(system)[0] == 1


def left(system: System) -> tuple[int, bool]:
    """Return how many records of a deletion there are, and whether a notice or a mail rests on any."""
    due = EventRecord.event == Event.UPLOAD_DELETION_DUE
    with system.work() as uow:
        records = uow.session.scalars(select(EventRecord.id).where(due)).all()
        notices = uow.session.scalars(select(Notice.id).join(Notice.record).where(due)).all()
        waiting = select(Delivery.id).where(Delivery.event == Event.UPLOAD_DELETION_DUE)
        return len(records), bool([*notices, *uow.session.scalars(waiting)])


def test_each_batch_goes_on_after_the_last(
    system: System, sender: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None walks past all whom the batches before have told."""
    monkeypatch.setattr(deadlines, "BATCH", 2)
    set_policy(system, sender.organisation_id, 30)
    uploads = [make_upload(system, sender, CLEAN) for _ in range(5)]
    pass_days(system, 23.1)
    asked: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "FROM upload JOIN organisation" in statement.replace("\n", " ") and "expires_at <=" in statement:
            asked.append(statement)

    event.listen(system.database.engine, "before_cursor_execute", note)
    try:
        assert keeping.warn_deletion(system) == {"warned": len(uploads)}
    finally:
        event.remove(system.database.engine, "before_cursor_execute", note)
    assert ["(upload.expires_at, upload.id) >" in each for each in asked] == [False, True, True]
    assert keeping.warn_deletion(system) is None
