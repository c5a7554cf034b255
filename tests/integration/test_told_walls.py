"""T2, T15: what a customer's transaction reads of what happened, and what goes when their bundle goes."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from app.domain.events import Event, heard_by
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor, Role
from app.models import EventRecord, Notice, UploadSight
from app.queries import notices as notices_query
from app.queries.accounts import actor_of
from app.services import assigning, removal
from app.system import System
from tests.factories.mailbox import spread_all
from tests.factories.people import make_account, make_actor
from tests.factories.uploads import make_upload


def seen_by(system: System, organisation_id: UUID | None) -> set[Event]:
    with system.database.transaction(organisation_id) as session:
        return set(session.scalars(select(EventRecord.event)))


def record(event: Event, organisation_id: UUID | None, account_id: UUID | None = None) -> EventRecord:
    return EventRecord(
        event=event, organisation_id=organisation_id, account_id=account_id, dedupe_key=uuid4().hex
    )


def test_customers_read_what_they_may_hear_of_and_no_more(system: System, sender: Actor) -> None:
    home = sender.organisation_id
    with system.work() as uow:
        uow.session.add_all(record(event, home) for event in Event)
    assert seen_by(system, home) == set(heard_by(Role.CUSTOMER, manager=True))
    assert seen_by(system, None) == set(Event)
    assert seen_by(system, make_actor(system).organisation_id) == set()


def test_what_is_about_one_person_is_read_where_they_are_at_home(system: System, sender: Actor) -> None:
    home, engineer = sender.organisation_id, make_actor(system, Role.ENGINEER)
    with system.work() as uow:
        uow.session.add(record(Event.ACCOUNT_NEW_DEVICE, home, sender.id))
        uow.session.add(record(Event.UPLOAD_ASSIGNED, home, engineer.id))
        uow.session.add(record(Event.UPLOAD_CLEAN, home, engineer.id))
    assert seen_by(system, home) == {Event.ACCOUNT_NEW_DEVICE}


def test_a_withdrawn_bundle_takes_along_what_its_sender_could_not_read(system: System, sender: Actor) -> None:
    """T15: whose work it was, and who of support had seen it, as well."""
    boss, engineer = make_actor(system, Role.ADMIN), make_actor(system, Role.ENGINEER)
    upload = make_upload(system, sender, UploadState.CLEAN)
    with system.work(boss) as uow:
        assigning.hand_over(uow, upload.id, str(engineer.id), "They call at noon.")
    spread_all(system)

    def left() -> tuple[int, set[Event]]:
        with system.work() as uow:
            sights = uow.session.scalars(select(func.count()).select_from(UploadSight)).one()
            mine = EventRecord.upload_id == upload.id
            return sights, set(uow.session.scalars(select(EventRecord.event).where(mine)))

    sights, events = left()
    assert sights
    assert Event.UPLOAD_ASSIGNED in events
    assert Event.UPLOAD_ASSIGNED not in seen_by(system, sender.organisation_id)
    with system.work(sender) as uow:
        removal.withdraw(uow, upload.id)
    assert left() == (0, {Event.UPLOAD_DELETED})


@pytest.mark.parametrize("event", [Event.GATE_CLOSED, Event.QUEUE_STUCK, Event.CHANNEL_PAUSED])
def test_who_is_staff_no_more_reads_nothing_of_staffs(system: System, event: Event) -> None:
    """T1: they keep their notices, of no organisation and of the one to which they have gone."""
    account = make_account(system)
    with system.work() as uow:
        for home in (None, account.organisation_id):
            for each in (event, Event.UPLOAD_ASSIGNED):
                uow.session.add(Notice(account_id=account.id, record=record(each, home)))
        new = record(Event.ACCOUNT_NEW_DEVICE, None, account.id)
        uow.session.add(Notice(account_id=account.id, record=new))
    now = actor_of(account, None)
    with system.work() as uow:  # as the portal itself, which sees everything
        assert [each.record.id for each in notices_query.page(uow.session, now).items] == [new.id]
        assert notices_query.unread(uow.session, now).count == 1
