"""What waits is told to whom it may be told when it goes, and to where they are then (T15)."""

from typing import Any

import pytest
from sqlalchemy import func, select, update

from app.domain.events import Event
from app.domain.payloads import DeviceFacts
from app.domain.policy import Role
from app.jobs.deliver import deliver
from app.models import Account, Delivery, Organisation
from app.services import notices, redelivery
from app.system import System
from tests.factories.mailbox import spread_all
from tests.factories.people import make_account, make_organisation
from tests.fakes import FakeMailer
from tests.integration.hearing import World


@pytest.fixture
def world(system: System) -> World:
    """Give a bundle that is ready; the mails about that wait."""
    return World(system)


def waiting(world: World, who: str, event: Event = Event.UPLOAD_CLEAN) -> Delivery:
    with world.system.work() as uow:
        mine = (Delivery.account_id == world.people[who].id, Delivery.event == event)
        return uow.session.scalars(select(Delivery).where(*mine)).one()


def change(world: World, who: str, **values: Any) -> None:
    with world.system.work() as uow:
        uow.session.execute(update(Account).where(Account.id == world.people[who].id).values(**values))


def send(world: World, who: str, event: Event = Event.UPLOAD_CLEAN) -> Delivery:
    deliver(world.system, str(waiting(world, who, event).id))
    return waiting(world, who, event)


def is_overtaken(row: Delivery, mailer: FakeMailer) -> bool:
    return row.overtaken and row.dead_at is not None and row.sent_at is None and not mailer.sent


@pytest.mark.parametrize("who", ["sender", "engineer"])
def test_whose_account_was_closed_is_told_nothing(world: World, mailer: FakeMailer, who: str) -> None:
    change(world, who, active=False)
    assert is_overtaken(send(world, who), mailer)


def test_nor_is_whose_organisation_was(world: World, mailer: FakeMailer) -> None:
    with world.system.work() as uow:
        uow.session.execute(update(Organisation).values(suspended_at=func.now()))
    assert is_overtaken(send(world, "sender"), mailer)


def test_nor_who_has_moved_to_another_organisation(world: World, mailer: FakeMailer) -> None:
    change(world, "sender", organisation_id=make_organisation(world.system).id)
    assert is_overtaken(send(world, "sender"), mailer)


def test_nor_who_is_of_support_no_more(world: World, mailer: FakeMailer) -> None:
    """Though it is their own organisation's now: customers hear of what they have sent, and no more."""
    change(world, "engineer", role=Role.CUSTOMER, organisation_id=world.upload.organisation_id)
    assert is_overtaken(send(world, "engineer"), mailer)


def test_nor_of_what_was_for_them_alone(world: World, mailer: FakeMailer) -> None:
    with world.system.work() as uow:
        them = world.people["assignee"].id
        notices.announce(uow, Event.UPLOAD_ASSIGNED, world.upload, account_id=them)
    spread_all(world.system)
    change(world, "assignee", role=Role.CUSTOMER, organisation_id=world.upload.organisation_id)
    assert is_overtaken(send(world, "assignee", Event.UPLOAD_ASSIGNED), mailer)


def test_nor_who_manages_the_organisation_no_more(world: World, mailer: FakeMailer) -> None:
    world.tell(Event.QUOTA_NEAR)
    change(world, "manager", manager=False)
    assert is_overtaken(send(world, "manager", Event.QUOTA_NEAR), mailer)


def test_nor_who_is_not_when_an_admin_tries_it_again(world: World, mailer: FakeMailer) -> None:
    row = waiting(world, "sender")
    with world.system.work() as uow:
        uow.session.execute(update(Delivery).where(Delivery.id == row.id).values(dead_at=func.now()))
    change(world, "sender", active=False)
    with world.system.work() as uow:
        redelivery.retry(uow, row.id)
    assert is_overtaken(send(world, "sender"), mailer)


@pytest.mark.parametrize("who", ["sender", "engineer", "assignee"])
def test_everybody_else_is_written_to_where_they_are_now(world: World, mailer: FakeMailer, who: str) -> None:
    change(world, who, email=f"{who}-now@example.com")
    row = send(world, who)
    assert row.sent_at is not None
    assert row.recipient == f"{who}-now@example.com"
    assert [mail.to for mail in mailer.sent] == [f"{who}-now@example.com"]


def test_of_their_own_account_everybody_hears_wherever_they_are(system: System, mailer: FakeMailer) -> None:
    them = make_account(system)
    with system.work() as uow:
        notices.announce(
            uow,
            Event.ACCOUNT_NEW_DEVICE,
            payload=DeviceFacts(
                account=them.email, device="Firefox", address=None, at="2026-06-01T12:00:00+00:00"
            ),
            organisation_id=them.organisation_id,
            account_id=them.id,
        )
    spread_all(system)
    with system.work() as uow:
        uow.session.merge(them).organisation_id = make_organisation(system).id
    with system.work() as uow:
        row_id = uow.session.scalars(select(Delivery.id).where(Delivery.account_id == them.id)).one()
    deliver(system, str(row_id))
    assert [mail.to for mail in mailer.sent] == [them.email]
