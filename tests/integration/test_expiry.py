"""A word before an unfinished upload is given up: once per stall, by the database's clock."""

from datetime import timedelta

import pytest
from sqlalchemy import func, update

from app.domain.events import Event
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor
from app.domain.subscriptions import Way
from app.jobs import periodic
from app.jobs.deliver import deliver
from app.models import Account, Delivery, EventRecord, Subscription, Upload
from app.services import expiry
from app.services.intake import records
from app.services.intake.records import Announcement
from app.system import System
from tests.factories.people import make_actor
from tests.factories.uploads import make_upload
from tests.fakes import FakeMailer
from tests.integration.looking import fresh, outbox, pass_time

DAY = 24 * 3600
WEEK = 7 * DAY


def begun(system: System, sender: Actor, door: str = "tus", *, partial: bool = False) -> Upload:
    with system.work(sender) as uow:
        announced = Announcement(door=door, filename="a.tgz", size=100, partial=partial)
        upload = records.start(uow, announced, system.adapters.storage.name)
        records.checkpoint(uow, upload.id, 40)
        return upload


def warned(system: System, upload: Upload) -> list[Delivery]:
    periodic.warn_expiring(system)
    return [row for row in outbox(system, upload.id) if row.event is Event.UPLOAD_EXPIRING]


@pytest.mark.parametrize("door", ["tus", "direct"])
def test_the_word_comes_a_day_before(system: System, sender: Actor, mailer: FakeMailer, door: str) -> None:
    upload = begun(system, sender, door)
    pass_time(system, upload.id, WEEK - DAY - 1)
    assert warned(system, upload) == []
    pass_time(system, upload.id, 2)
    (row,) = warned(system, upload)
    deliver(system, str(row.id))
    (mail,) = mailer.sent
    assert mail.to == sender.email
    assert "Arrived:       40 of 100 bytes" in mail.text
    until = expiry.ends_at(fresh(system, upload.id), system.settings)
    assert until
    assert f"Kept until:    {until.day} {until:%b %Y, %H:%M} UTC" in mail.text
    assert "None" not in mail.text


def test_once_per_stall(system: System, sender: Actor) -> None:
    upload = begun(system, sender)
    pass_time(system, upload.id, WEEK - DAY + 1)
    assert [len(warned(system, upload)) for _ in range(3)] == [1, 1, 1]
    with system.work() as uow:  # bytes come, and then none for another while
        uow.session.execute(update(EventRecord).values(created_at=func.now() - timedelta(days=7)))
        uow.session.execute(update(Upload).values(active_at=func.now() - timedelta(days=6, seconds=9)))
    assert len(warned(system, upload)) == 2


def test_nobody_is_told_who_went_on_meanwhile(system: System, sender: Actor, mailer: FakeMailer) -> None:
    """The mail server was away."""
    upload = begun(system, sender)
    pass_time(system, upload.id, WEEK - DAY + 1)
    (row,) = warned(system, upload)
    with system.work() as uow:
        uow.session.execute(update(Delivery).values(created_at=func.now() - timedelta(seconds=1)))
    with system.work(sender) as uow:
        records.checkpoint(uow, upload.id, 50)
    deliver(system, str(row.id))
    assert mailer.sent == []


@pytest.mark.parametrize("door", ["put", "form"])
def test_what_cannot_be_gone_on_with_is_only_given_up(system: System, sender: Actor, door: str) -> None:
    upload = begun(system, sender, door)
    pass_time(system, upload.id, WEEK - 1)
    assert warned(system, upload) == []
    assert expiry.ends_at(upload, system.settings) is None


def test_parts_have_no_mail_of_their_own(system: System, sender: Actor) -> None:
    upload = begun(system, sender, partial=True)
    pass_time(system, upload.id, WEEK - 1)
    assert warned(system, upload) == []


def test_of_what_is_complete_nobody_hears_that_it_ends(system: System, sender: Actor) -> None:
    upload = make_upload(system, sender, UploadState.CLEAN)
    pass_time(system, upload.id, WEEK - 1)
    assert warned(system, upload) == []


def test_those_whom_nobody_can_tell_do_not_keep_others_from_hearing(
    system: System, sender: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "_BATCH", 1)
    gone = make_actor(system)
    older, younger = begun(system, gone), begun(system, sender)
    with system.work() as uow:
        uow.session.get_one(Account, gone.id).active = False
    pass_time(system, older.id, WEEK - 1)
    pass_time(system, younger.id, WEEK - 2)
    assert len(warned(system, younger)) == 1
    assert warned(system, older) == []


def test_nor_do_those_who_want_no_mail(
    system: System, sender: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "_BATCH", 1)
    quiet = make_actor(system)
    older, younger = begun(system, quiet), begun(system, sender)
    with system.work() as uow:
        uow.session.add(Subscription(account_id=quiet.id, event=Event.UPLOAD_EXPIRING, way=Way.OFF))
    pass_time(system, older.id, WEEK - 1)
    pass_time(system, younger.id, WEEK - 2)
    assert warned(system, older) == []
    assert len(warned(system, younger)) == 1
