"""Mails that people chose not to get, and those that nobody can do without."""

import pytest
from sqlalchemy import select

from app.domain.events import MANDATORY, Event
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor, Role
from app.domain.subscriptions import Way
from app.models import Delivery, Notice, Subscription
from app.queries.accounts import actor_of
from app.services import notices, preferences
from app.system import System
from tests.factories.mailbox import spread_all
from tests.factories.people import make_actor, make_machine
from tests.factories.uploads import make_upload


def choose(system: System, actor: Actor, event: Event, way: Way) -> None:
    with system.work(actor) as uow:
        preferences.choose_notices(uow, {event: way})


def told(system: System, event: Event, sender: Actor) -> set[str]:
    """Return who is mailed at once of an event of a bundle of the sender's."""
    upload = make_upload(system, sender, UploadState.CLEAN)
    with system.work() as uow:
        notices.announce(uow, event, upload)
    spread_all(system)
    with system.work() as uow:
        rows = select(Delivery.recipient).where(Delivery.upload_id == upload.id, Delivery.event == event)
        return set(uow.session.scalars(rows))


@pytest.mark.parametrize("way", [Way.DIGEST, Way.PORTAL, Way.OFF])
def test_who_wants_no_mail_gets_none(system: System, way: Way) -> None:
    """At once; all but who wants nothing of it are shown it."""
    sender, wants, wants_not = make_actor(system), *(make_actor(system, Role.ENGINEER) for _ in range(2))
    choose(system, wants_not, Event.UPLOAD_CLEAN, way)
    assert told(system, Event.UPLOAD_CLEAN, sender) == {sender.email, wants.email}
    assert told(system, Event.UPLOAD_INFECTED, sender) == {sender.email, wants.email, wants_not.email}
    with system.work() as uow:
        of_clean = Notice.record.has(event=Event.UPLOAD_CLEAN)
        query = select(Notice.digest_at).where(Notice.account_id == wants_not.id, of_clean)
        digest_at = [moment is not None for moment in uow.session.scalars(query)]
    assert set(digest_at) == (set() if way is Way.OFF else {way is Way.DIGEST})
    choose(system, sender, Event.UPLOAD_CLEAN, way)
    assert told(system, Event.UPLOAD_CLEAN, sender) == {wants.email}
    choose(system, sender, Event.UPLOAD_CLEAN, Way.NOW)
    assert told(system, Event.UPLOAD_CLEAN, sender) == {sender.email, wants.email}


@pytest.mark.parametrize("role", Role)
def test_what_is_mandatory_comes_whatever_the_row_says(system: System, role: Role) -> None:
    person = make_actor(system, role)
    with system.work() as uow:
        uow.session.add_all(Subscription(account_id=person.id, event=event, way=Way.OFF) for event in Event)
    sender = person if role is Role.CUSTOMER else make_actor(system)
    assert Event.UPLOAD_RECALLED in MANDATORY
    assert person.email in told(system, Event.UPLOAD_RECALLED, sender)
    assert person.email not in told(system, Event.UPLOAD_CLEAN, sender)


def test_a_machine_gets_no_mail(system: System) -> None:
    machine = make_machine(system, make_actor(system).organisation_id)
    assert told(system, Event.UPLOAD_CLEAN, actor_of(machine, None)) == set()
