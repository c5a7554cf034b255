"""A clock that is moved by days: quiet hours and the daily mail, over both changes of the clocks."""

from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import select

from app.domain.events import Event
from app.domain.policy import Actor
from app.domain.subscriptions import Way
from app.models import Delivery, Notice
from app.services import notices, preferences
from app.system import System
from tests.factories.clock import at
from tests.factories.mailbox import spread_all
from tests.integration.daily import BERLIN, digests, happen, make_reader


@pytest.mark.parametrize(
    "first", [datetime(2026, 3, 27, tzinfo=BERLIN), datetime(2026, 10, 23, tzinfo=BERLIN)]
)
def test_days_go_by_and_the_clocks_change(system: System, sender: Actor, first: datetime) -> None:
    """Each evening something happens: the mail comes as the night ends, the digest at eight, every day."""
    reader, sleeper = make_reader(system), make_reader(system, Way.NOW)
    for day in range(5):
        evening = datetime.combine(first.date() + timedelta(days=day), time(23, 15), BERLIN).astimezone(UTC)
        morning = first.date() + timedelta(days=day + 1)
        with at(evening):
            upload = happen(system, sender)
            assert len(digests(system, reader)) == day
        with system.work() as uow:
            mine = (Delivery.upload_id == upload.id, Delivery.account_id == sleeper.id)
            next_at = uow.session.scalars(select(Delivery.next_at).where(*mine)).one()
        assert next_at.astimezone(BERLIN).replace(tzinfo=None) == datetime.combine(morning, time(7))
        due = datetime.combine(morning, time(8), BERLIN).astimezone(UTC)
        with at(due - timedelta(minutes=1)):
            assert len(digests(system, reader)) == day
        with at(due):
            assert len(digests(system, reader)) == day + 1


def test_another_hour_moves_what_waits(system: System, sender: Actor) -> None:
    """So that nobody gets two of one day."""
    reader = make_reader(system)
    noon = datetime(2026, 6, 1, 12, tzinfo=BERLIN)
    actor = Actor(reader.id, reader.email, reader.role, time_zone="Europe/Berlin")
    with at(noon):
        happen(system, sender)
        with system.work(actor) as uow:
            preferences.choose_times(uow, "", "", "09:30")
        happen(system, sender)
    with at(noon + timedelta(hours=21)):
        assert digests(system, reader) == []
    with at(noon + timedelta(hours=21, minutes=30)):
        assert len(digests(system, reader)) == 1
    with system.work() as uow:
        waiting = select(Notice.id).where(Notice.account_id == reader.id, Notice.digest_at.is_not(None))
        assert uow.session.scalars(waiting).all() == []


def test_what_is_mandatory_comes_at_night_too(system: System, sender: Actor) -> None:
    sleeper = make_reader(system, Way.OFF)
    night = datetime(2026, 6, 1, 23, tzinfo=BERLIN)
    with at(night):
        upload = happen(system, sender)
        with system.work() as uow:
            notices.announce(uow, Event.UPLOAD_INTEGRITY_FAILED, upload)
        spread_all(system)
    with system.work() as uow:
        mine = (Delivery.upload_id == upload.id, Delivery.account_id == sleeper.id)
        (only,) = uow.session.scalars(select(Delivery).where(*mine)).all()
    assert only.event is Event.UPLOAD_INTEGRITY_FAILED
    assert only.next_at <= night


@pytest.mark.parametrize(("hours", "expected"), [(20, 20.75), (19, 0.75), (-500, 0.75)])
def test_the_word_before_a_deletion_is_in_a_daily_mail_that_comes_before_it(
    system: System, sender: Actor, hours: int, expected: float
) -> None:
    """Noticed at 11:15, and the mail comes at eight: of what is gone by then it comes within the hour."""
    noticed = datetime(2026, 6, 1, 11, 15, tzinfo=UTC)
    upload = happen(system, sender)
    with at(noticed):
        with system.work() as uow:
            until = noticed + timedelta(hours=hours + 1)
            notices.announce(uow, Event.UPLOAD_DELETION_DUE, upload, told={"until": until.isoformat()})
        spread_all(system)
    with system.work() as uow:
        rows = select(Notice.digest_at).where(Notice.account_id == sender.id, Notice.digest_at.is_not(None))
        (digest_at,) = uow.session.scalars(rows).all()
    assert digest_at == noticed + timedelta(hours=expected)
