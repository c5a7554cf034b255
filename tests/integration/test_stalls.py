"""Admins hear once that work piles up, whatever the reason. F3, F12."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from app.domain.errors import DependencyError
from app.domain.events import Event
from app.domain.policy import Actor, Role
from app.jobs.recording import Recorder
from app.jobs.schedule import Periodic
from app.jobs.watching import watch_queues
from app.models import Delivery, EventRecord, Notice, Upload
from app.services import gate
from app.system import System
from tests.factories.mailbox import send_all, spread_all
from tests.factories.people import make_account
from tests.factories.told import make_channel
from tests.factories.uploads import make_upload
from tests.fakes import FakeMailer

WATCH = Periodic(watch_queues, every=30)


def watch(system: System) -> list[dict[str, Any]]:
    """Let the step run; return what was ever announced."""
    Recorder(system, WATCH).done(watch_queues(system))
    with system.work() as uow:
        records = uow.session.scalars(
            select(EventRecord)
            .where(EventRecord.event == Event.QUEUE_STUCK)
            .order_by(EventRecord.payload["name"])
        )
        return [record.payload for record in records]


def older(system: System, seconds: int) -> None:
    """Make all that waits, and the gate's opening, so much older; who was told of it had it in time."""
    ago = timedelta(seconds=seconds)
    with system.work() as uow:
        for table, columns in {
            "upload": ("sealed_at", "active_at"),
            "delivery": ("next_at",),
            "event_record": ("created_at",),
            "gate": ("changed_at",),
        }.items():
            changes = ", ".join(f"{column} = {column} - :ago" for column in columns)
            uow.session.execute(text(f"UPDATE {table} SET {changes}"), {"ago": ago})  # noqa: S608


@pytest.fixture
def waiting(system: System, sender: Actor, mailer: FakeMailer) -> Upload:
    """Give a sealed bundle of which everybody was told."""
    make_account(system, Role.ADMIN)
    upload = make_upload(system, sender)
    send_all(system, mailer)
    return upload


def test_one_that_waits_too_long_is_told_once(system: System, waiting: Upload) -> None:
    def checks() -> list[dict[str, Any]]:
        return [told for told in watch(system) if told["name"] == "virus checks"]

    older(system, 590)
    assert watch(system) == []
    older(system, 60)
    reason = "1 wait, the oldest for 11 minutes."
    assert checks() == [{"name": "virus checks", "reason": reason, "waiting": 1, "oldest": 650}]
    older(system, 6000)
    assert len(checks()) == 1, "it is the same stall"
    with system.work() as uow:
        uow.session.execute(text("UPDATE upload SET sealed_at = now()"))
    assert len(checks()) == 1
    older(system, 700)
    assert len(checks()) == 2, "it went on, and stopped again"


def test_another_oldest_is_no_other_stall(system: System, waiting: Upload, sender: Actor) -> None:
    """A queue that is worked off slowly has a new oldest every moment."""
    make_upload(system, sender)
    older(system, 700)
    assert [told["waiting"] for told in watch(system) if told["name"] == "virus checks"] == [2]
    with system.work() as uow:
        uow.session.execute(text("UPDATE upload SET sealed_at = now() WHERE id = :id"), {"id": waiting.id})
    assert [told["waiting"] for told in watch(system) if told["name"] == "virus checks"] == [2]


def test_while_the_gate_is_closed_bundles_may_wait(system: System, waiting: Upload) -> None:
    with system.work() as uow:
        gate.close(uow, "A test.")
        uow.session.execute(text("UPDATE event_record SET spread_at = now()"))
    older(system, 9000)
    assert watch(system) == []
    with system.work() as uow:
        gate.report(uow, [], "Fake 1.0", None)
        uow.session.execute(text("UPDATE event_record SET spread_at = now()"))
    assert watch(system) == [], "it opened just now"


def test_one_under_scan_does_not_wait(system: System, waiting: Upload) -> None:
    with system.work() as uow:
        uow.session.execute(text("UPDATE upload SET lease_until = now() + interval '1 minute'"))
    older(system, 700)
    assert watch(system) == []


def test_events_and_messages(system: System, waiting: Upload, mailer: FakeMailer, sender: Actor) -> None:
    make_account(system, Role.ENGINEER)
    with system.work() as uow:
        uow.session.execute(text("UPDATE upload SET lease_until = now() + interval '1 hour'"))
    make_upload(system, sender)
    with system.work() as uow:
        uow.session.execute(text("UPDATE upload SET lease_until = now() + interval '1 hour'"))
    older(system, 700)
    assert [told["name"] for told in watch(system)] == ["events to be told"]
    mailer.error = DependencyError("away")
    spread_all(system)
    older(system, 700)
    assert [told["name"] for told in watch(system)] == ["events to be told", "messages"]


def test_what_a_paused_channel_keeps_back_is_not_stuck(system: System, waiting: Upload) -> None:
    channel = make_channel(system)
    with system.work() as uow:
        uow.session.execute(text("UPDATE upload SET lease_until = now() + interval '1 hour'"))
        uow.session.add(
            Delivery(event=Event.UPLOAD_CLEAN, channel_id=channel.id, recipient="a webhook", dedupe_key="k")
        )
        uow.session.execute(text("UPDATE channel SET paused_at = now()"))
    older(system, 700)
    assert watch(system) == []


def test_admins_read_of_it(system: System, waiting: Upload, mailer: FakeMailer) -> None:
    admin = make_account(system, Role.ADMIN)
    make_account(system, Role.ENGINEER)
    older(system, 700)
    watch(system)
    before = len(mailer.sent)
    send_all(system, mailer)
    heard = {mail.to for mail in mailer.sent[before:]}
    assert admin.email in heard
    with system.work() as uow:
        noticed = uow.session.scalars(
            select(Notice.account_id).join(EventRecord).where(EventRecord.event == Event.QUEUE_STUCK)
        )
        assert admin.id in set(noticed)
