"""What `/metrics` counts, and that no counter ever falls. F24."""

from collections.abc import Callable

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import delete, func, select

from app.domain.channels import ChannelKind
from app.domain.events import Event
from app.domain.factors import Factor
from app.domain.jobs import QueueName
from app.domain.lifecycle import UploadState
from app.domain.metrics import METRICS, Kind
from app.domain.policy import Role
from app.jobs.measuring import add_up_counters
from app.models import AuditEvent, CounterMark, Delivery, Upload
from app.queries.figures import figures
from app.services import metrics, removal, sign_in
from app.system import System
from app.web.ops.metrics import render
from tests.factories.mailbox import send_all
from tests.factories.people import make_account, make_actor
from tests.factories.told import make_channel
from tests.factories.uploads import make_upload
from tests.fakes import FakeMailer, FakeQueue

Samples = dict[tuple[str, str], float]


def page(system: System) -> str:
    bells = metrics.ask(system.adapters.queue)
    with system.work() as uow:
        return render(metrics.readings(figures(uow.session), bells)).decode()


def read(system: System) -> Samples:
    """Return every sample by its name and its labels' values, in the order of the labels' names."""
    return {
        (sample.name, " ".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(page(system))
        for sample in family.samples
    }


def counters(samples: Samples) -> Samples:
    names = {metric.name for metric in METRICS if metric.kind is Kind.COUNTER}
    return {
        key: value
        for key, value in samples.items()
        if key[0] in names or key[0].startswith("diagport_scan_seconds")
    }


@pytest.fixture
def judged(system: System) -> list[Upload]:
    sender = make_actor(system)
    return [
        make_upload(system, sender, state)
        for state in (UploadState.CLEAN, UploadState.INFECTED, UploadState.REJECTED, UploadState.RECEIVING)
    ]


def test_what_came_of_uploads_is_counted(system: System, judged: list[Upload]) -> None:
    found = read(system)
    assert found["diagport_uploads_in_state", "receiving"] == 1
    assert found["diagport_uploads_in_state", "sealed"] == 0
    assert found["diagport_uploads_total", "received"] == 2
    assert found["diagport_uploads_total", "rejected"] == 1
    assert found["diagport_verdicts_total", "clean"] == found["diagport_verdicts_total", "infected"] == 1
    assert found["diagport_received_bytes_total", ""] == sum(row.size or 0 for row in judged)
    assert found["diagport_scanned_bytes_total", ""] == 14
    assert found["diagport_scan_seconds_count", ""] == found["diagport_scan_seconds_bucket", "0.5"] == 2
    assert found["diagport_scan_seconds_sum", ""] == pytest.approx(0.2)


def test_no_counter_falls_when_rows_go(system: System, judged: list[Upload]) -> None:
    before = read(system)
    with system.work() as uow:
        removal.delete(uow, judged[0].id, "Deleted.")
    with system.work() as uow:
        uow.session.execute(delete(Upload))
    after = read(system)
    assert {key for key, value in counters(before).items() if after[key] < value} == set()
    assert after["diagport_uploads_total", "deleted"] == 1
    gone = {key: value for key, value in after.items() if key[0] == "diagport_uploads_in_state"}
    assert set(gone.values()) == {0}


def test_adding_up_changes_nothing_but_the_number_of_marks(system: System, judged: list[Upload]) -> None:
    before = read(system)
    for _ in range(2):
        add_up_counters(system)
    with system.work() as uow:
        assert uow.session.scalar(select(func.count()).select_from(CounterMark)) == 0
    assert {key: value for key, value in counters(read(system)).items() if value != before[key]} == {}
    make_upload(system, make_actor(system), UploadState.CLEAN)
    assert read(system)["diagport_verdicts_total", "clean"] == 2


def test_a_scan_again_is_another_verdict_and_another_time(system: System, judged: list[Upload]) -> None:
    with system.work() as uow:
        scan = uow.session.get_one(Upload, judged[0].id).scan
        assert scan
        scan.seconds, scan.scanned_at = 7200.0, func.now()
    found = read(system)
    assert found["diagport_verdicts_total", "clean"] == 2
    assert found["diagport_scan_seconds_bucket", "1800"] == 2
    assert found["diagport_scan_seconds_bucket", "+Inf"] == 3


def test_what_waits_and_since_when(system: System, queue: FakeQueue) -> None:
    found = read(system)
    assert found["diagport_oldest_waiting_seconds", "verdict"] == 0
    upload = make_upload(system, make_actor(system))
    with system.work() as uow:
        uow.session.get_one(Upload, upload.id).sealed_at = func.now() - func.make_interval(0, 0, 0, 0, 0, 5)
    found = read(system)
    assert found["diagport_waiting", "verdict"] == 1
    assert found["diagport_oldest_waiting_seconds", "verdict"] >= 300
    assert found["diagport_waiting", "spreading"] >= 1
    assert found["diagport_queue_up", ""] == found["diagport_workers", QueueName.SCAN] == 1
    assert found["diagport_queue_depth", QueueName.SCAN] == 1
    assert found["diagport_queue_oldest_seconds", QueueName.SCAN] > 0
    queue.down = True
    found = read(system)
    assert found["diagport_queue_up", ""] == 0
    assert ("diagport_queue_depth", QueueName.SCAN) not in found


def test_messages_by_channel_and_outcome(system: System, mailer: FakeMailer) -> None:
    make_account(system, Role.ENGINEER)
    make_upload(system, make_actor(system), UploadState.CLEAN)
    send_all(system, mailer)
    found = read(system)
    sent = found["diagport_deliveries_total", f"{ChannelKind.EMAIL} sent"]
    assert sent == len(mailer.sent) > 0
    with system.work() as uow:
        uow.session.execute(delete(Delivery))
    assert read(system)["diagport_deliveries_total", f"{ChannelKind.EMAIL} sent"] == sent


def test_what_became_of_messages_to_channels(system: System) -> None:
    channel = make_channel(system, ChannelKind.SNS)
    told = [
        Delivery(
            event=Event.CHANNEL_TEST, channel_id=channel.id, recipient="topic", dedupe_key=f"{number:064}"
        )
        for number in range(3)
    ]
    with system.work() as uow:
        uow.session.add_all(told)
    with system.work() as uow:
        tried, dead, overtaken = (uow.session.merge(row) for row in told)
        tried.failures = 1
        dead.failures, dead.dead_at = 30, func.now()
        overtaken.dead_at, overtaken.overtaken = func.now(), True
    with system.work() as uow:
        again = uow.session.merge(tried)
        again.sent_at = func.now()
    found = read(system)
    counted = {key[1]: value for key, value in found.items() if key[0] == "diagport_deliveries_total"}
    assert {label: value for label, value in counted.items() if value} == {
        "sns failed": 2,
        "sns dead": 1,
        "sns overtaken": 1,
        "sns sent": 1,
    }
    assert found["diagport_dead_letters", ""] == 1


@pytest.mark.parametrize(
    ("act", "label"),
    [
        (lambda uow, who: sign_in.begin(uow, who, user_agent="test"), "password begun"),
        (
            lambda uow, who: sign_in.begin(
                uow, who, user_agent="test", factors=[Factor.TOTP, Factor.PASSWORD]
            ),
            "password+totp begun",
        ),
        (lambda uow, who: sign_in.refused(uow, who.email, "192.0.2.1"), "local refused"),
    ],
)
def test_sign_ins_by_means_and_nobodys_address(
    system: System, act: Callable[..., object], label: str
) -> None:
    """C13: what is typed where a factor's name would be becomes no label either."""
    account = make_account(system)
    with system.work() as uow:
        act(uow, account)
        uow.session.add(
            AuditEvent(action="session.begun", actor_label="x", detail={"factors": [account.email]})
        )
    found = read(system)
    assert found["diagport_sign_ins_total", label] == found["diagport_sign_ins_total", "other begun"] == 1
    assert account.email not in page(system)
