"""I6: between one and three deliveries of an event to each recipient, whenever the worker is killed."""

import os
import random
import signal
import time
from collections import Counter
from dataclasses import replace
from uuid import UUID

import pytest
import requests
from sqlalchemy import func, select, update

from app.adapters.mail import SmtpMailer
from app.cli.dev.services import Services
from app.domain.lifecycle import UploadState
from app.domain.policy import Role
from app.jobs.deliver import deliver, spread_event
from app.models import Delivery, EventRecord, Upload
from app.system import System
from tests.factories.people import make_account, make_actor
from tests.factories.uploads import make_upload

_KILLS = 2  # of one event: a third send of unknown fate would leave it to be told by hand


@pytest.fixture
def mailing(committed: System) -> System:
    """Give a product that mails to the sink."""
    return replace(committed, adapters=replace(committed.adapters, mailer=SmtpMailer(committed.settings)))


@pytest.mark.parametrize(
    "seeds", [range(10), pytest.param(range(10, 210), marks=[pytest.mark.long, pytest.mark.timeout(600)])]
)
def test_killed_at_any_moment(mailing: System, services: Services, seeds: range) -> None:
    engineer = make_account(mailing, Role.ENGINEER)
    sender = make_actor(mailing)
    usual = _undisturbed(mailing, make_upload(mailing, sender, UploadState.CLEAN))
    histogram: Counter[int] = Counter()
    for seed in seeds:
        rng = random.Random(seed)
        upload = make_upload(mailing, sender, UploadState.CLEAN)
        for _ in range(rng.randint(1, _KILLS)):
            _killed_after(mailing, rng.uniform(0, usual * 1.2))
            _back_off_is_over(mailing, upload)
        _undisturbed(mailing, upload)
        told = _told(services, upload)
        assert set(told) == {("Received", sender.email), ("Checked", sender.email), ("Ready", engineer.email)}
        assert all(1 <= count <= 3 for count in told.values()), (seed, told)
        assert _open(mailing) == 0, seed
        histogram.update(told.values())
    print(f"deliveries of an event to a recipient: {dict(sorted(histogram.items()))}")  # noqa: T201


def _work_off(system: System) -> None:
    """Do what waits, as a worker would that hears every bell."""
    with system.work() as uow:
        records = uow.session.scalars(select(EventRecord.id).where(EventRecord.spread_at.is_(None))).all()
    for record_id in records:
        spread_event(system, str(record_id))
    for delivery_id in _due(system):
        deliver(system, str(delivery_id))


def _due(system: System) -> list[UUID]:
    with system.work() as uow:
        waiting = Delivery.sent_at.is_(None), Delivery.dead_at.is_(None), Delivery.next_at <= func.now()
        return list(uow.session.scalars(select(Delivery.id).where(*waiting)))


def _open(system: System) -> int:
    with system.work() as uow:
        waiting = Delivery.sent_at.is_(None), Delivery.dead_at.is_(None)
        return uow.session.scalar(select(func.count()).where(*waiting)) or 0


def _undisturbed(system: System, upload: Upload) -> float:
    """Let a worker do all that waits; return how many seconds that took."""
    begun = time.monotonic()
    _work_off(system)
    return time.monotonic() - begun


def _killed_after(system: System, seconds: float) -> None:
    """Let a worker begin, and kill it."""
    system.database.engine.dispose()
    child = os.fork()
    if child == 0:
        try:
            system.database.renew()
            _work_off(system)
        finally:
            os._exit(0)
    time.sleep(seconds)  # the moment is what is tried
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _back_off_is_over(system: System, upload: Upload) -> None:
    with system.work() as uow:
        uow.session.execute(
            update(Delivery).where(Delivery.upload_id == upload.id).values(next_at=func.now())
        )


def _told(services: Services, upload: Upload) -> Counter[tuple[str, str]]:
    """Count the mails about an upload that have arrived, by title and recipient."""
    mails = requests.get(f"{services.mail_url}/messages", timeout=10).json()
    return Counter(
        (mail["subject"].partition("] ")[2].partition(":")[0], mail["to"])
        for mail in mails
        if str(upload.id) in mail["text"]
    )
