"""What is written down when something happens, with the deed itself and once."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from app.domain.events import Event
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor, Role
from app.jobs import periodic
from app.models import Account, EventRecord, Notice, Organisation, Ticket
from app.queries.accounts import actor_of
from app.services import devices, downloads, quarantine
from app.services.intake import records
from app.system import System
from tests.factories.mailbox import spread_all
from tests.factories.people import make_account, make_actor, make_manager
from tests.factories.tickets import holder, issue_ticket
from tests.factories.uploads import make_upload


def happened(system: System, *events: Event) -> list[EventRecord]:
    with system.work() as uow:
        query = select(EventRecord).where(EventRecord.event.in_(events)).order_by(EventRecord.created_at)
        return list(uow.session.scalars(query))


def heard(system: System, event: Event) -> set[str]:
    """Return who finds it among their notices."""
    spread_all(system)
    with system.work() as uow:
        query = (
            select(Account.email)
            .join(Notice, Notice.account_id == Account.id)
            .join(EventRecord, EventRecord.id == Notice.record_id)
            .where(EventRecord.event == event)
        )
        return set(uow.session.scalars(query))


@pytest.mark.parametrize(
    ("size", "events"), [(10**9, [Event.UPLOAD_STARTED]), (10**9 - 1, [])], ids=["big", "not so big"]
)
def test_a_big_upload_begins(system: System, sender: Actor, size: int, events: list[Event]) -> None:
    make_account(system, Role.ENGINEER)
    with system.work(sender) as uow:
        records.start(uow, records.Announcement("tus", "big.tgz", size), "filesystem")
    assert [each.event for each in happened(system, Event.UPLOAD_STARTED)] == events
    assert len(heard(system, Event.UPLOAD_STARTED)) == len(events)


def test_a_part_of_a_big_upload_is_none(system: System, sender: Actor) -> None:
    with system.work(sender) as uow:
        records.start(uow, records.Announcement("tus", "big.tgz", 10**9, partial=True), "filesystem")
    assert happened(system, Event.UPLOAD_STARTED) == []


def test_refused(system: System, sender: Actor) -> None:
    upload = make_upload(system, sender, UploadState.REJECTED)
    (record,) = happened(system, Event.UPLOAD_REJECTED)
    assert (record.upload_id, record.payload["reason"]) == (upload.id, "This is a zip archive.")
    assert heard(system, Event.UPLOAD_REJECTED) == {sender.email}


def test_released_as_often_as_it_is(system: System, sender: Actor) -> None:
    """A release that was taken back and given again is another one."""
    engineer = make_actor(system, Role.ENGINEER)
    upload = make_upload(system, sender, UploadState.UNSCANNABLE)
    with system.work(engineer) as uow:
        quarantine.release(uow, upload.id, "We know what it is.")
    assert len(happened(system, Event.UPLOAD_RELEASED)) == 1
    assert heard(system, Event.UPLOAD_RELEASED) == {engineer.email}


def test_the_first_download_by_staff(system: System, sender: Actor) -> None:
    upload = make_upload(system, sender, UploadState.CLEAN)
    for actor in (sender, make_actor(system, Role.ENGINEER), make_actor(system, Role.ENGINEER)):
        with system.work(actor) as uow:
            downloads.note(uow, *downloads.leave_for_all(uow, upload.id), None)
        before = [] if actor is sender else [upload.id]
        assert [each.upload_id for each in happened(system, Event.UPLOAD_DOWNLOADED)] == before
    assert heard(system, Event.UPLOAD_DOWNLOADED) == {sender.email}


class TestTickets:
    def test_each_use_is_told_to_whoever_made_it(self, system: System) -> None:
        issued = issue_ticket(system, "CS-5", uploads=3)
        guest = holder(issued)
        sent = [make_upload(system, guest).id for _ in range(2)]
        told = happened(system, Event.TICKET_USED)
        assert [UUID(each.payload["upload"]) for each in told] == sent
        assert [each.payload["used_uploads"] for each in told] == [1, 2]
        assert issued.code not in str([each.payload for each in told])
        assert heard(system, Event.TICKET_USED) == {self.maker(system, issued.seen.ticket)}

    def maker(self, system: System, ticket: Ticket) -> str:
        with system.work() as uow:
            return uow.session.get_one(Account, ticket.made_by_id).email

    @pytest.mark.parametrize(
        ("days", "values", "told"),
        [
            (0.5, {}, 1),
            (1.5, {}, 0),
            (-0.5, {}, 0),
            (0.5, {"revoked_at": func.now()}, 0),
            (0.5, {"used_uploads": Ticket.max_uploads}, 0),
            (0.5, {"created_at": func.now() - timedelta(days=1)}, 0),
        ],
        ids=["soon", "later", "over", "revoked", "used up", "a short one"],
    )
    def test_of_one_that_expires_soon_it_is_told_once(
        self, system: System, days: float, values: dict[str, object], told: int
    ) -> None:
        ticket = issue_ticket(system, "CS-5").seen.ticket
        with system.work() as uow:
            times = {
                "created_at": func.now() - timedelta(days=9),
                "expires_at": func.now() + timedelta(days=days),
            }
            uow.session.execute(update(Ticket).where(Ticket.id == ticket.id).values(**times | values))
        for _ in range(2):
            periodic.warn_ahead(system)
        assert len(happened(system, Event.TICKET_EXPIRING)) == told
        assert len(heard(system, Event.TICKET_EXPIRING)) == told


class TestQuota:
    def fill(self, system: System, organisation_id: UUID | None, **values: int) -> None:
        with system.work() as uow:
            whose = Organisation.id == organisation_id
            uow.session.execute(update(Organisation).where(whose).values(**values))
        periodic.warn_ahead(system)

    def test_at_80_and_at_95_percent_once_each(self, system: System, sender: Actor) -> None:
        make_account(system, Role.ENGINEER)
        who = {make_account(system, Role.ADMIN).email, make_manager(system, sender.organisation_id).email}
        home = sender.organisation_id
        self.fill(system, home, quota_bytes=1000, used_bytes=799)
        assert happened(system, Event.QUOTA_NEAR) == []
        for used in (800, 900, 950, 1000):
            self.fill(system, home, used_bytes=used)
        assert [each.payload["percent"] for each in happened(system, Event.QUOTA_NEAR)] == [80, 95]
        assert heard(system, Event.QUOTA_NEAR) == who

    def test_the_number_of_bundles_counts_too(self, system: System, sender: Actor) -> None:
        self.fill(system, sender.organisation_id, quota_bytes=1000, quota_uploads=10, used_uploads=9)
        assert [each.payload["percent"] for each in happened(system, Event.QUOTA_NEAR)] == [90]

    def test_without_a_quota_nothing_fills_up(self, system: System, sender: Actor) -> None:
        self.fill(system, sender.organisation_id, quota_bytes=0, used_bytes=0)
        self.fill(system, sender.organisation_id, used_bytes=10**15)
        assert happened(system, Event.QUOTA_NEAR) == []


class TestDevices:
    def sign_in(self, system: System, account: Account, token: str | None) -> str | None:
        with system.work(actor_of(account, "192.0.2.7")) as uow:
            return devices.recognise(uow, account, token, "Firefox on Linux")

    def test_from_the_second_on_its_owner_hears(self, system: System) -> None:
        account = make_account(system)
        first = self.sign_in(system, account, None)
        assert first
        assert self.sign_in(system, account, first) is None
        assert happened(system, Event.ACCOUNT_NEW_DEVICE) == []
        second = self.sign_in(system, account, None)
        assert second not in {None, first}
        assert self.sign_in(system, account, first) is self.sign_in(system, account, second) is None
        (record,) = happened(system, Event.ACCOUNT_NEW_DEVICE)
        assert record.payload["device"] == "Firefox on Linux"
        assert heard(system, Event.ACCOUNT_NEW_DEVICE) == {account.email}

    def test_a_strangers_token_is_none(self, system: System) -> None:
        theirs = self.sign_in(system, make_account(system), None)
        account = make_account(system)
        self.sign_in(system, account, None)
        assert self.sign_in(system, account, theirs)
        assert len(happened(system, Event.ACCOUNT_NEW_DEVICE)) == 1
