"""The daily mail: one for each, of what is still unread when it goes."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from app.domain.policy import Actor, Role
from app.jobs import periodic
from app.models import Account, Notice
from app.services import removal
from app.system import System
from tests.factories.mailbox import send_all
from tests.factories.people import make_account, make_actor
from tests.fakes import FakeMailer, FakeQueue
from tests.integration.daily import digests, happen, make_due, make_reader
from tests.integration.looking import race


@pytest.fixture
def reader(system: System) -> Account:
    return make_reader(system)


def mailed(system: System, mailer: FakeMailer, reader: Account) -> list[str]:
    """Send what waits, and return the daily mails to somebody."""
    return [
        mail.text for mail in send_all(system, mailer) if mail.to == reader.email and "daily" in mail.subject
    ]


def test_it_is_one_mail_of_all_that_waits(
    system: System, sender: Actor, reader: Account, mailer: FakeMailer, queue: FakeQueue
) -> None:
    first, second = happen(system, sender, "first.tgz"), happen(system, sender, "second.tgz")
    with system.work() as uow:  # time stands still in a test
        of_first = Notice.record.has(upload_id=first.id)
        earlier = Notice.created_at - timedelta(hours=1)
        uow.session.execute(update(Notice).where(of_first).values(created_at=earlier))
    assert digests(system, reader) == []
    make_due(system)
    (delivery,) = digests(system, reader)
    assert [argument for _, argument in queue.rung].count(str(delivery.id)) == 1
    mail = next(mail for mail in send_all(system, mailer) if "daily" in mail.subject)
    assert (mail.to, mail.subject) == (reader.email, "Your daily summary: 2 notices")
    assert mail.text.index(first.filename) < mail.text.index(second.filename)
    assert "http://localhost/notices" in mail.text
    assert mail.unsubscribe
    assert mail.html
    make_due(system)
    assert [each.id for each in digests(system, reader)] == [delivery.id]


def test_what_was_read_or_deleted_since_is_left_out(
    system: System, sender: Actor, reader: Account, mailer: FakeMailer
) -> None:
    """Whether before the mail was made or after."""
    uploads = {
        name: happen(system, sender, f"{name}.tgz") for name in ("kept", "read", "gone", "late", "lost")
    }

    def read(name: str) -> None:
        with system.work() as uow:
            of = Notice.record.has(upload_id=uploads[name].id)
            uow.session.execute(update(Notice).where(of).values(read_at=datetime.now(UTC)))

    def delete(name: str) -> None:
        with system.work() as uow:
            removal.delete(uow, uploads[name].id, "No longer needed.")

    read("read")
    delete("gone")
    make_due(system)
    assert len(digests(system, reader)) == 1
    read("late")
    delete("lost")
    (text,) = mailed(system, mailer, reader)
    assert [name for name in uploads if f"{name}.tgz" in text] == ["kept"]


def test_where_nothing_is_left_there_is_no_mail(
    system: System, sender: Actor, reader: Account, mailer: FakeMailer
) -> None:
    happen(system, sender)
    with system.work() as uow:
        uow.session.execute(update(Notice).values(read_at=datetime.now(UTC)))
    make_due(system)
    assert digests(system, reader) == []
    happen(system, sender)
    make_due(system)
    assert len(digests(system, reader)) == 1
    with system.work() as uow:
        uow.session.execute(update(Notice).values(read_at=datetime.now(UTC)))
    assert mailed(system, mailer, reader) == []
    (delivery,) = digests(system, reader)
    assert (delivery.sent_at, delivery.dead_at is None) == (None, False)


@pytest.mark.parametrize("when", ["before", "after"])
def test_who_has_left_gets_none(
    system: System, sender: Actor, reader: Account, mailer: FakeMailer, when: str
) -> None:
    happen(system, sender)
    make_due(system)
    if when == "after":
        assert len(digests(system, reader)) == 1
    with system.work() as uow:
        uow.session.get_one(Account, reader.id).active = False
    assert len(digests(system, reader)) == (when == "after")
    assert mailed(system, mailer, reader) == []


def test_who_has_moved_away_reads_nothing_of_home(system: System, mailer: FakeMailer) -> None:
    """T15."""
    reader = make_reader(system, role=Role.CUSTOMER)
    elsewhere = make_account(system).organisation_id
    with system.work() as uow:
        sender = uow.session.get_one(Account, reader.id)
        actor = Actor(sender.id, sender.email, sender.role, organisation_id=sender.organisation_id)
    happen(system, actor)
    make_due(system)
    assert len(digests(system, reader)) == 1
    with system.work() as uow:
        uow.session.get_one(Account, reader.id).organisation_id = elsewhere
    assert mailed(system, mailer, reader) == []


def test_what_comes_at_the_very_moment_waits_for_the_next(
    system: System, sender: Actor, reader: Account
) -> None:
    moment = datetime.now(UTC) - timedelta(minutes=1)
    happen(system, sender)
    make_due(system, moment)
    (first,) = digests(system, reader)
    happen(system, sender, "late.tgz")
    make_due(system, moment)
    assert [each.id for each in digests(system, reader)] == [first.id]
    with system.work() as uow:
        waiting = uow.session.scalars(select(Notice.digest_at).where(Notice.digest_at.is_not(None))).one()
    assert waiting is not None
    assert timedelta(0) < waiting - datetime.now(UTC) <= timedelta(hours=25)


def test_at_most_a_hundred_are_named(
    system: System, sender: Actor, reader: Account, mailer: FakeMailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.digests.MOST", 2)
    for name in ("first", "second", "third"):
        happen(system, sender, f"{name}.tgz")
    make_due(system)
    assert len(digests(system, reader)) == 1
    (text,) = mailed(system, mailer, reader)
    assert sum(name in text for name in ("first.tgz", "second.tgz", "third.tgz")) == 2
    assert "There is more in the portal." in text


def test_several_schedulers_at_once_make_one(committed: System) -> None:
    """Without the leave to lead, too: each may have had it from the one that died."""
    reader = make_reader(committed)
    happen(committed, make_actor(committed))
    make_due(committed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.services.sweeping.lead", lambda _uow, _step: True)
        came = race(6, lambda: periodic.send_digests(committed))
    assert sorted(map(str, came)) == ["None"] * 5 + ["{'mails': 1}"]
    assert len(digests(committed, reader)) == 1


def test_one_that_dies_before_its_end_has_done_nothing(committed: System) -> None:
    reader = make_reader(committed)
    happen(committed, make_actor(committed))
    make_due(committed)

    class DiedError(Exception):
        pass

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.uow.UnitOfWork.enqueue", lambda *_: (_ for _ in ()).throw(DiedError))
        with pytest.raises(DiedError):
            periodic.send_digests(committed)
    assert len(digests(committed, reader)) == 1
