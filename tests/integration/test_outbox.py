"""Who hears of what, and how often it is tried: F24, I6."""

import pytest
from sqlalchemy import func, select, true, update

from app.domain.errors import DeliveryRefusedError, DeliveryUncertainError, DependencyError, PortalError
from app.domain.events import Event
from app.domain.jobs import JobName
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor, Role
from app.jobs import periodic
from app.jobs.deliver import deliver
from app.models import Account, Delivery, Upload
from app.services import deliveries, notices, outcomes, standing
from app.services.intake import records
from app.system import System
from tests.factories.people import make_account, make_actor
from tests.factories.uploads import make_upload
from tests.fakes import FakeMailer, FakeQueue
from tests.integration.looking import make_due, outbox


@pytest.fixture
def _leave_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let senders leave in the very moment of the seal, when nobody looks at them any more."""
    monkeypatch.setattr(records, "still_good", lambda *_: true())
    monkeypatch.setattr(standing, "still_good", lambda *_: true())


AWAY = DependencyError("The mail server is away.", cause="a test")


@pytest.fixture
def engineer(system: System) -> Account:
    return make_account(system, Role.ENGINEER)


@pytest.fixture
def clean(request: pytest.FixtureRequest, system: System, sender: Actor, engineer: Account) -> Upload:
    """Give an upload that one engineer is to hear of; its sender has left."""
    request.getfixturevalue("_leave_stays")
    with system.work() as uow:
        uow.session.get_one(Account, sender.id).active = False
    return make_upload(system, sender, UploadState.CLEAN)


def row(system: System, upload: Upload) -> Delivery:
    rows = outbox(system, upload.id)
    assert len(rows) == 1
    return rows[0]


def try_once(system: System, upload: Upload) -> Delivery:
    """Let the back-off pass, deliver, and look."""
    make_due(system, upload.id)
    deliver(system, str(row(system, upload).id))
    return row(system, upload)


class TestRecipients:
    def heard(self, system: System, upload: Upload) -> set[str]:
        return {delivery.recipient for delivery in outbox(system, upload.id)}

    def test_of_a_clean_bundle_engineers_and_the_sender_hear(self, system: System, sender: Actor) -> None:
        engineers = {make_account(system, Role.ENGINEER).email for _ in range(2)}
        make_account(system, Role.ADMIN)
        make_account(system)
        heard = self.heard(system, make_upload(system, sender, UploadState.CLEAN))
        assert heard == {*engineers, sender.email}

    def test_of_a_virus_the_uploader_hears_too(
        self, system: System, sender: Actor, engineer: Account
    ) -> None:
        upload = make_upload(system, sender, UploadState.INFECTED)
        assert self.heard(system, upload) == {engineer.email, sender.email}

    @pytest.mark.usefixtures("engineer", "_leave_stays")
    def test_colleagues_and_those_who_left_hear_nothing(self, system: System, sender: Actor) -> None:
        with system.work() as uow:
            uow.session.execute(update(Account).values(active=False))
        assert self.heard(system, make_upload(system, sender, UploadState.INFECTED)) == set()

    @pytest.mark.parametrize("state", [UploadState.SEALED, UploadState.SCANNING])
    @pytest.mark.usefixtures("engineer")
    def test_of_what_has_arrived_its_sender_alone_hears(
        self, system: System, sender: Actor, state: UploadState
    ) -> None:
        (receipt,) = outbox(system, make_upload(system, sender, state).id)
        assert (receipt.event, receipt.recipient) == (Event.UPLOAD_RECEIVED, sender.email)

    @pytest.mark.parametrize("state", [UploadState.RECEIVING, UploadState.ABANDONED])
    @pytest.mark.usefixtures("engineer")
    def test_of_nothing_else_anybody_hears(self, system: System, sender: Actor, state: UploadState) -> None:
        assert self.heard(system, make_upload(system, sender, state)) == set()

    def test_announced_again_it_is_the_same_row(
        self, system: System, clean: Upload, queue: FakeQueue
    ) -> None:
        before = row(system, clean)
        queue.rung.clear()
        for _ in range(3):
            with system.work() as uow:
                notices.announce(uow, Event.UPLOAD_CLEAN, clean)
        assert row(system, clean).id == before.id
        assert queue.rung == []


class TestAttempts:
    def test_sent_once_and_never_again(self, system: System, clean: Upload, mailer: FakeMailer) -> None:
        """F5: however often the bell rings."""
        for _ in range(5):
            delivery = try_once(system, clean)
        assert len(mailer.sent) == 1
        assert mailer.sent[0].key == delivery.dedupe_key
        assert delivery.sent_at is not None
        assert delivery.attempts == 1

    def test_the_attempt_is_counted_before_the_send(
        self, system: System, clean: Upload, monkeypatch: pytest.MonkeyPatch, mailer: FakeMailer
    ) -> None:
        seen: list[int] = []
        monkeypatch.setattr(mailer, "send", lambda _: seen.append(row(system, clean).attempts))
        try_once(system, clean)
        assert seen == [1]

    def test_a_sender_that_dies_each_time_sends_three_times_at_most(
        self, system: System, clean: Upload, mailer: FakeMailer
    ) -> None:
        for _ in range(outcomes.MAX_ATTEMPTS):
            make_due(system, clean.id)
            with system.work() as uow:  # and dies here, perhaps after the send
                assert deliveries.begin(uow, row(system, clean).id)
        delivery = try_once(system, clean)
        assert mailer.sent == []
        assert (delivery.attempts, delivery.sent_at) == (outcomes.MAX_ATTEMPTS, None)
        assert delivery.dead_at is not None

    def test_of_two_at_once_one_sends(self, system: System, clean: Upload) -> None:
        with system.work() as uow:
            assert deliveries.begin(uow, row(system, clean).id)
            assert deliveries.begin(uow, row(system, clean).id) is None

    def test_a_mail_of_unknown_fate_is_tried_three_times(
        self, system: System, clean: Upload, mailer: FakeMailer
    ) -> None:
        mailer.error = DeliveryUncertainError("The mail server went away.", cause="after DATA")
        for attempt in range(1, outcomes.MAX_ATTEMPTS + 1):
            delivery = try_once(system, clean)
            assert (delivery.attempts, delivery.failures, delivery.dead_at) == (attempt, 0, None)
            assert "after DATA" in str(delivery.last_error)
        assert try_once(system, clean).dead_at is not None

    def test_a_mail_refused_for_good_is_dead_at_once(
        self, system: System, clean: Upload, mailer: FakeMailer
    ) -> None:
        mailer.error = DeliveryRefusedError("Refused.", cause="550 no such user")
        delivery = try_once(system, clean)
        assert delivery.dead_at is not None
        assert delivery.attempts == 0
        mailer.error = None
        assert try_once(system, clean).sent_at is None
        assert mailer.sent == []

    def test_a_server_that_is_away_costs_no_attempt(
        self, system: System, clean: Upload, mailer: FakeMailer
    ) -> None:
        """F24."""
        mailer.error = AWAY
        for failures in range(1, 9):
            delivery = try_once(system, clean)
            assert (delivery.attempts, delivery.failures, delivery.dead_at) == (0, failures, None)
        mailer.error = None
        assert try_once(system, clean).sent_at is not None
        assert len(mailer.sent) == 1

    def test_of_two_tries_each_is_counted(self, committed: System) -> None:
        """The first hung for so long that the second began before it failed."""
        engineer = make_account(committed, Role.ENGINEER)
        upload = make_upload(committed, make_actor(committed), UploadState.CLEAN)
        mine = next(each for each in outbox(committed, upload.id) if each.account_id == engineer.id)
        with committed.work() as uow:
            assert deliveries.begin(uow, mine.id)
        with committed.work() as slow:
            seen = slow.session.get_one(Delivery, mine.id)
            assert seen.attempts == 1
            make_due(committed, upload.id)
            with committed.work() as uow:
                assert deliveries.begin(uow, mine.id)
            outcomes.failed(slow, mine.id, "away", for_good=False)
        with committed.work() as uow:
            after = uow.session.get_one(Delivery, mine.id)
        assert (after.attempts, after.failures) == (1, 1)

    def test_it_is_not_tried_for_ever(self, system: System, clean: Upload, mailer: FakeMailer) -> None:
        mailer.error = AWAY
        for _ in range(outcomes.MAX_FAILURES):
            assert row(system, clean).dead_at is None
            try_once(system, clean)
        assert row(system, clean).dead_at is not None


def wait_of(system: System, upload: Upload) -> float:
    with system.work() as uow:
        seconds = uow.session.scalars(
            select(func.extract("epoch", Delivery.next_at - func.now())).where(
                Delivery.upload_id == upload.id
            )
        ).one()
    return float(seconds)


def test_the_back_off_doubles_up_to_an_hour(system: System, clean: Upload, mailer: FakeMailer) -> None:
    mailer.error = AWAY
    waits = []
    for _ in range(11):
        try_once(system, clean)
        waits.append(wait_of(system, clean))
    assert waits[:4] == [15, 30, 60, 120]
    assert waits[-1] == 3600


def test_what_must_wait_is_neither_sent_nor_rung_for(
    system: System, clean: Upload, mailer: FakeMailer, queue: FakeQueue
) -> None:
    mailer.error = AWAY
    try_once(system, clean)
    mailer.error = None
    deliver(system, str(row(system, clean).id))
    assert mailer.sent == []
    queue.rung.clear()
    periodic.ring_deliveries(system)
    assert queue.rung == []
    make_due(system, clean.id)
    periodic.ring_deliveries(system)
    assert queue.rung == [(JobName.DELIVER, str(row(system, clean).id))]


@pytest.mark.parametrize("error", [None, DeliveryRefusedError("Refused.")])
def test_what_has_ended_is_not_rung_for(
    system: System, clean: Upload, mailer: FakeMailer, queue: FakeQueue, error: PortalError | None
) -> None:
    mailer.error = error
    try_once(system, clean)
    make_due(system, clean.id)
    queue.rung.clear()
    periodic.ring_deliveries(system)
    assert queue.rung == []
