"""Who hears of what, and how: every event for every role, and what people wish."""

import pytest
from sqlalchemy import func, select

from app.domain.events import AUDIENCE, BEFORE_VERDICT, MANDATORY, Event
from app.domain.lifecycle import UploadState
from app.domain.subscriptions import Follow, Way, default_way
from app.jobs.deliver import spread_event
from app.models import Account, Delivery, EventRecord, Notice
from app.services import notices
from app.system import System
from tests.factories.mailbox import spread_all
from tests.factories.people import make_organisation
from tests.factories.tickets import holder, issue_ticket
from tests.factories.told import make_channel
from tests.factories.uploads import make_upload
from tests.integration.hearing import Told, World
from tests.integration.looking import race

OF_UPLOADS = [event for event in Event if event.startswith("upload.")]


@pytest.fixture
def world(system: System) -> World:
    return World(system)


STAFF = {"engineer", "assignee", "admin"}
ENGINEERS = {"engineer", "assignee"}

#: Who is shown each event of a bundle, as nobody has chosen anything. Everybody else hears nothing.
SHOWN = {
    Event.UPLOAD_STARTED: ENGINEERS,
    Event.UPLOAD_RECEIVED: {"sender"},
    Event.UPLOAD_EXPIRING: {"sender"},
    Event.UPLOAD_REJECTED: {"sender"},
    Event.UPLOAD_CLEAN: {"sender", *ENGINEERS},
    Event.UPLOAD_INFECTED: {"sender", *ENGINEERS},
    Event.UPLOAD_UNSCANNABLE: {"sender", *ENGINEERS},
    Event.UPLOAD_RELEASED: ENGINEERS,
    Event.UPLOAD_RECALLED: {"sender", *STAFF},
    Event.UPLOAD_INTEGRITY_FAILED: STAFF,
    Event.UPLOAD_DOWNLOADED: {"sender"},
    Event.UPLOAD_ASSIGNED: {"assignee"},
    Event.UPLOAD_DELETION_DUE: {"sender", "assignee"},
    Event.UPLOAD_DELETED: {"sender", "assignee"},
    Event.QUOTA_NEAR: {"manager", "admin"},
    Event.GATE_CLOSED: {"admin"},
    Event.GATE_OPENED: {"admin"},
    Event.QUEUE_STUCK: {"admin"},
    Event.CHANNEL_PAUSED: {"admin"},
}


@pytest.mark.parametrize("event", SHOWN)
def test_each_event_is_told_to_whom_it_concerns(world: World, event: Event) -> None:
    told = world.tell(event)
    assert told.shown == SHOWN[event]
    roles = {name: world.people[name].role for name in told.shown}
    assert told.mailed == {
        name
        for name in told.shown
        if event not in BEFORE_VERDICT and (event in MANDATORY or default_way(roles[name], event) is Way.NOW)
    }


def test_every_event_of_bundles_stands_in_the_table() -> None:
    assert set(OF_UPLOADS) <= set(SHOWN)


@pytest.mark.parametrize("event", OF_UPLOADS)
def test_who_watches_the_case_hears_of_what_their_kind_may_hear_of(world: World, event: Event) -> None:
    """T15: a customer never of what is for staff, nor anybody of another organisation's case."""
    for name in ("colleague", "admin", "stranger", "foreign manager"):
        world.follow(name, Follow.WATCH)
    told, audience = world.tell(event), AUDIENCE[event]
    expected = SHOWN[event] | ({"colleague"} if audience.uploader else set())
    expected |= {"admin"} if audience.roles or audience.assignee else set()
    assert told.shown == expected
    assert {"colleague", "admin"} & told.mailed == (
        set() if event in BEFORE_VERDICT else {"colleague", "admin"} & expected
    )


@pytest.mark.parametrize("event", OF_UPLOADS)
def test_who_has_muted_the_case_hears_of_what_nobody_can_do_without(world: World, event: Event) -> None:
    for name in ("sender", "engineer", "assignee", "admin"):
        world.follow(name, Follow.MUTE)
    told = world.tell(event)
    assert told.shown == (SHOWN[event] if event in MANDATORY else set())
    assert told.mailed == told.shown


def test_the_narrower_wish_wins(world: World) -> None:
    """Case over organisation over all."""
    event, home = Event.UPLOAD_CLEAN, world.upload.organisation_id
    world.wish("engineer", event, Way.OFF)
    assert world.tell(event).shown == {"sender", "assignee"}
    world.wish("engineer", event, Way.PORTAL, organisation_id=home)
    told = world.tell(event)
    assert told == Told({"sender", *ENGINEERS}, {"sender", "assignee"})
    world.wish("engineer", event, Way.NOW, case_id=world.case.id)
    assert world.tell(event).mailed == {"sender", *ENGINEERS}


def test_a_wish_for_another_organisation_or_case_changes_nothing(world: World) -> None:
    elsewhere = make_upload(world.system, world.actor("stranger"), UploadState.CLEAN, case="CS-7")
    spread_all(world.system)
    world.wish("engineer", Event.UPLOAD_CLEAN, Way.OFF, organisation_id=elsewhere.organisation_id)
    assert "engineer" in world.tell(Event.UPLOAD_CLEAN).mailed
    assert "engineer" not in world.tell(Event.UPLOAD_CLEAN, elsewhere).shown
    world.follow("assignee", Follow.MUTE)
    assert "assignee" in world.tell(Event.UPLOAD_CLEAN, elsewhere).mailed


def test_who_has_left_hears_nothing(world: World) -> None:
    world.follow("colleague", Follow.WATCH)
    with world.system.work() as uow:
        for name in ("sender", "colleague", "assignee", "engineer"):
            uow.session.get_one(Account, world.people[name].id).active = False
    assert world.tell(Event.UPLOAD_CLEAN) == Told(set(), set())


def test_who_has_moved_away_hears_of_nothing_at_home(world: World) -> None:
    """T15."""
    for name in ("sender", "colleague"):
        world.follow(name, Follow.WATCH)
    with world.system.work() as uow:
        for name in ("sender", "colleague", "manager"):
            row = uow.session.get_one(Account, world.people[name].id)
            row.organisation_id = world.people["stranger"].organisation_id
    assert world.tell(Event.UPLOAD_CLEAN).shown == ENGINEERS
    assert world.tell(Event.QUOTA_NEAR).shown == {"admin"}


def test_a_tickets_recipient_is_mailed(system: System) -> None:
    home = make_organisation(system)
    issued = issue_ticket(system, "CS-8", home.id, recipient="guest@example.com")
    upload = make_upload(system, holder(issued), UploadState.CLEAN)
    spread_all(system)
    with system.work() as uow:
        mailed = uow.session.scalars(
            select(Delivery).where(Delivery.upload_id == upload.id, Delivery.account_id.is_(None))
        ).all()
        assert {row.event for row in mailed} == {Event.UPLOAD_RECEIVED, Event.UPLOAD_CLEAN}
        assert {row.recipient for row in mailed} == {"guest@example.com"}


@pytest.mark.parametrize("event", OF_UPLOADS)
def test_whoever_has_a_ticket_alone_hears_what_became_of_it_and_no_more(world: World, event: Event) -> None:
    """When it is deleted the ticket's page says: hundreds may be on one day."""
    issued = issue_ticket(world.system, recipient="guest@example.com")
    upload = make_upload(world.system, holder(issued), UploadState.SEALED)
    spread_all(world.system)
    with world.system.work() as uow:
        notices.announce(uow, event, upload, occasion="again")
        record_id = uow.session.scalars(select(EventRecord.id).where(EventRecord.spread_at.is_(None))).one()
    spread_all(world.system)
    with world.system.work() as uow:
        mailed = uow.session.scalars(
            select(Delivery.recipient).where(Delivery.record_id == record_id, Delivery.account_id.is_(None))
        ).all()
    hears = {
        Event.UPLOAD_RECEIVED, Event.UPLOAD_EXPIRING, Event.UPLOAD_REJECTED, Event.UPLOAD_CLEAN,
        Event.UPLOAD_INFECTED, Event.UPLOAD_UNSCANNABLE, Event.UPLOAD_RECALLED,
    }  # fmt: skip
    assert mailed == (["guest@example.com"] if event in hears else [])


@pytest.mark.parametrize("way", [None, Way.NOW, Way.DIGEST])
def test_what_was_given_to_somebody_before_the_verdict_is_told_in_the_portal_alone(
    world: World, way: Way | None
) -> None:
    """Nothing is sent about a bundle before its verdict except that it came."""
    upload = make_upload(world.system, world.actor("sender"), UploadState.SEALED)
    make_channel(world.system, events=(Event.UPLOAD_ASSIGNED,))
    spread_all(world.system)
    if way:
        world.wish("assignee", Event.UPLOAD_ASSIGNED, way)
    before = rows(world.system)
    them = world.people["assignee"].id
    with world.system.work() as uow:
        notices.announce(uow, Event.UPLOAD_ASSIGNED, upload, account_id=them)
    spread_all(world.system)
    assert rows(world.system) == (before[0] + 1, before[1])
    with world.system.work() as uow:
        assert uow.session.scalars(select(Notice).where(Notice.digest_at.is_not(None))).all() == []
        notices.announce(uow, Event.UPLOAD_ASSIGNED, world.upload, account_id=them)  # it is judged
    spread_all(world.system)
    mails = 0 if way is Way.DIGEST else 1
    assert rows(world.system) == (before[0] + 2, before[1] + 1 + mails)


def test_a_channel_of_one_organisation_hears_of_no_other(world: World) -> None:
    of_all, ours, theirs = (make_channel(world.system) for _ in range(3))
    with world.system.work() as uow:
        uow.session.merge(ours).organisation_id = world.upload.organisation_id
        uow.session.merge(theirs).organisation_id = world.people["stranger"].organisation_id
    with world.system.work() as uow:
        notices.announce(uow, Event.UPLOAD_CLEAN, world.upload, occasion="again")
        notices.announce(uow, Event.UPLOAD_STARTED, world.upload, occasion="again")
    spread_all(world.system)
    with world.system.work() as uow:
        told = uow.session.scalars(select(Delivery.channel_id).where(Delivery.channel_id.is_not(None))).all()
    assert sorted(map(str, told)) == sorted([str(of_all.id), str(ours.id)])


def test_two_at_once_tell_once(committed: System) -> None:
    world = World(committed)
    before = rows(committed)
    with committed.work() as uow:
        notices.announce(uow, Event.UPLOAD_CLEAN, world.upload, occasion="again")
    with committed.work() as uow:
        record_id = uow.session.scalars(select(EventRecord.id).where(EventRecord.spread_at.is_(None))).one()
    assert race(4, lambda: spread_event(committed, str(record_id))) == [None] * 4
    assert rows(committed) == (before[0] + 3, before[1] + 3)


def rows(system: System) -> tuple[int, int]:
    """Return how many notices and deliveries there are."""
    with system.work() as uow:
        notices_, mails = (
            uow.session.scalars(select(func.count()).select_from(table)).one() for table in (Notice, Delivery)
        )
    return notices_, mails


def test_spread_again_it_is_told_once(world: World) -> None:
    before = rows(world.system)
    with world.system.work() as uow:
        records = uow.session.scalars(select(EventRecord.id)).all()
    for record_id in records:
        spread_event(world.system, str(record_id))
    assert before == rows(world.system)
    assert before > (0, 0)
