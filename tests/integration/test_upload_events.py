"""What is read out of messages that S3, or anybody who may write to the queue, has put there. T27."""

import json
from dataclasses import replace
from typing import Any

import pytest

from app.adapters import sqs
from app.domain.errors import DependencyError
from app.jobs.reconciling import take_upload_events
from app.jobs.schedule import SCHEDULE
from app.ports import Arrived, UploadEvent
from app.services.intake import reconciling
from app.settings import Settings
from app.system import System
from tests.factories.upload_events import FakeUploadEvents, created

KEY = "8d3f0c1e-1f6e-4a36-9d3c-52b7f2f0b7a1/41aa9c55-0f0d-4e5b-8a52-3f3a3f1d2c11"


def heard(system: System, *messages: UploadEvent) -> tuple[System, FakeUploadEvents]:
    events = FakeUploadEvents(*messages)
    return replace(system, adapters=replace(system.adapters, upload_events=events)), events


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no JSON",
        "[]",
        "{}",
        "7",
        '{"Records": 7}',
        '{"Records": [7]}',
        '{"Records": [{"eventName": "ObjectCreated:Put"}]}',
        '{"Records": [{"eventName": 7}]}',
        '{"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": {}}}]}',
    ],
)
def test_what_nobody_can_read_is_thrown_away(
    system: System, caplog: pytest.LogCaptureFixture, body: str
) -> None:
    message = sqs.read(body, "r1", "b")
    assert message.problem
    scheduler, events = heard(system, message)
    assert take_upload_events(scheduler) is None
    assert events.deleted == ["r1"]
    assert [record for record in caplog.records if "upload_event_unreadable" in record.getMessage()]


@pytest.mark.parametrize(
    "message",
    [
        created("another-bucket", f"incoming/{KEY}", 10),
        created("b", f"files/{KEY}", 10),
        created("b", f"incoming/{KEY}.4096", 10, "Put"),
        created("b", "incoming/check.7", 10, "Put"),
        created("b", "incoming/../../etc/passwd", 10),
        created("b", f"incoming/{KEY}/more", 10),
        {"Records": []},
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"},
        {
            "Records": [
                created("b", f"incoming/{KEY}", 10)["Records"][0] | {"eventName": "ObjectRemoved:Delete"}
            ]
        },
    ],
)
def test_what_is_about_something_else_says_nothing(message: dict[str, Any]) -> None:
    assert sqs.read(json.dumps(message), "r1", "b") == UploadEvent("r1")


def test_names_come_as_in_an_address() -> None:
    message = json.dumps(created("b", f"incoming/{KEY}".replace("/", "%2F"), 10))
    assert sqs.read(message, "r1", "b").arrived == (Arrived(KEY, 10),)


def test_one_without_a_row_is_done_with_and_one_that_breaks_is_left(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = [UploadEvent(f"r{number}", (Arrived(f"{number}/{KEY[:36]}", 10),)) for number in range(3)]
    scheduler, events = heard(system, *messages)
    reconcile = reconciling.reconcile

    def break_once(work: Any, adapters: Any, arrived: Arrived) -> reconciling.Outcome:
        if arrived.key.startswith("1/"):
            raise RuntimeError("a bug")
        return reconcile(work, adapters, arrived)

    monkeypatch.setattr(reconciling, "reconcile", break_once)
    assert take_upload_events(scheduler) is None
    assert (events.deleted, events.put_off_for) == (["r0", "r2"], {})


def test_a_queue_that_is_away_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    queue = sqs.SqsUploadEvents("http://127.0.0.1:9/1/none", "bucket", "http://127.0.0.1:9")
    with pytest.raises(DependencyError, match="queue of upload events"):
        queue.receive()


def test_without_a_queue_there_is_no_such_step(system: System, settings: Settings) -> None:
    step = next(each for each in SCHEDULE if each.step is take_upload_events)
    assert not step.runs_with(settings)
    assert step.runs_with(settings.model_copy(update={"upload_events_queue": "https://sqs.eu-west-1.x/1/q"}))
    assert take_upload_events(system) is None
