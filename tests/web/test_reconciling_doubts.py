"""What the scheduler hands in for nobody: another object than was sent, what was refused. T27, F8."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import update

from app import create_app
from app.adapters.storage.s3 import presigning, sealing
from app.domain.errors import DependencyError
from app.domain.lifecycle import UploadState
from app.jobs import reconciling
from app.jobs.reconciling import take_upload_events
from app.models import ApiToken, Upload
from app.ports import Arrived, UploadEvent
from app.services import audit, tokens
from app.services.intake import direct
from app.system import System
from tests import dying
from tests.factories.direct import bucket_of, with_bucket
from tests.factories.upload_events import FakeUploadEvents, Queue, created
from tests.integration.looking import fresh
from tests.memory_storage import MemoryStorage
from tests.s3servers import S3Server
from tests.web.callers import Caller
from tests.web.direct import SMALL, Direct
from tests.web.reconciling import as_at_aws, joined, listening, take_later, told_of

S = UploadState
OTHER = SMALL[:-1] + bytes([SMALL[-1] ^ 1])  # of the same length


@pytest.fixture(autouse=True)
def _as_at_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    as_at_aws(monkeypatch)


@pytest.fixture
def system(system: System, moto: S3Server) -> System:
    return with_bucket(system, moto)


@pytest.fixture
def said(system: System, moto: S3Server) -> Queue:
    return told_of(system, moto)


@pytest.fixture
def scheduler(system: System, moto: S3Server, said: Queue) -> System:
    return listening(system, moto, said)


@pytest.fixture
def app(system: System) -> Flask:
    app = create_app(system.settings, adapters=system.adapters, database=system.database)
    app.testing = False
    return app


def put_another(system: System, moto: S3Server, upload: Upload) -> None:
    """Let the store have made something else of the parts, of the same length."""
    bucket, name = bucket_of(system)[1], f"incoming/{upload.storage_key}"
    moto.client.put_object(Bucket=bucket, Key=name, Body=OTHER)


def nothing_is_left(system: System, moto: S3Server) -> bool:
    return "Contents" not in moto.client.list_objects_v2(Bucket=bucket_of(system)[1])


def test_what_the_web_finds_to_be_another_object_is_refused_for_good(
    scheduler: System, customer: Caller, moto: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = Direct(customer, SMALL).begin().send()
    upload = fresh(scheduler, UUID(sent.id))
    complete = sealing.complete

    def mix_up(*args: Any) -> None:
        complete(*args)
        put_another(scheduler, moto, upload)

    monkeypatch.setattr(presigning, "complete", mix_up)
    answer = sent.complete()
    assert (answer.status_code, answer.get_json()["code"]) == (422, "digest_mismatch")
    assert fresh(scheduler, upload.id).state is S.REJECTED
    assert nothing_is_left(scheduler, moto)
    assert take_later(scheduler, upload) is None
    assert sent.complete().status_code == 410


def test_nor_does_the_scheduler_hand_it_in_where_the_web_died_before_it_looked(
    scheduler: System, customer: Caller, moto: S3Server
) -> None:
    upload = joined(scheduler, customer, arrange=dying.after(presigning, "complete"))
    put_another(scheduler, moto, upload)
    assert take_later(scheduler, upload) == {"refused": 1}
    assert fresh(scheduler, upload.id).state is S.REJECTED
    assert nothing_is_left(scheduler, moto)


def test_nor_does_the_sender_who_asks_again_get_a_receipt_for_it(
    scheduler: System, customer: Caller, moto: S3Server
) -> None:
    upload = joined(scheduler, customer, arrange=dying.after(presigning, "complete"))
    put_another(scheduler, moto, upload)
    parts = {"parts": Direct.parts_of(SMALL)}
    answer = customer.ask("POST", f"/api/v1/direct/{upload.id}/complete", json=parts)
    assert answer.status_code == 422
    assert fresh(scheduler, upload.id).state is S.REJECTED


def test_what_is_right_is_handed_in_though_nobody_had_looked(scheduler: System, customer: Caller) -> None:
    upload = joined(scheduler, customer, arrange=dying.after(presigning, "complete"))
    assert upload.joining is not None
    assert take_later(scheduler, upload) == {"completed": 1}
    assert fresh(scheduler, upload.id).joining is None


def test_who_was_refused_for_a_token_that_was_revoked_meanwhile_stays_refused(
    scheduler: System, customer: Caller, said: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account may come, and go on with another token."""
    sent = Direct(customer, SMALL).begin().send()
    upload = fresh(scheduler, UUID(sent.id))
    join = direct.join

    def revoke(*args: Any) -> str:
        version = join(*args)
        with scheduler.work() as uow:
            tokens.revoke_all(uow, customer.account)
            audit.record(uow, "account.tokens_revoked", person=customer.account)
        return version

    with monkeypatch.context() as patch:
        patch.setattr(direct, "join", revoke)
        assert sent.complete().status_code == 401
    assert take_later(scheduler, upload) is None
    assert (fresh(scheduler, upload.id).state, said.left()) == (S.RECEIVING, 0)
    with scheduler.work() as uow:
        uow.session.execute(update(ApiToken).values(revoked_at=None))
    assert sent.complete().status_code == 200


def test_while_the_storage_is_away_no_message_is_received(
    scheduler: System, customer: Caller, said: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long that is: none is given up for it."""
    upload = joined(scheduler, customer)

    def away(*_: object) -> None:
        raise DependencyError("The storage does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(type(scheduler.adapters.storage), "open", away)
        for _ in range(10):
            with pytest.raises(DependencyError):
                take_later(scheduler, upload)
    assert (said.left(), said.given_up()) == (1, 0)
    assert take_upload_events(scheduler) == {"completed": 1}


def test_what_fails_for_what_is_away_comes_again_later_and_later(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = [UploadEvent(f"r{times}", (Arrived("a/b", 1),), times=times) for times in range(1, 6)]
    events = FakeUploadEvents(*messages)

    def away(*_: object) -> None:
        raise DependencyError("The storage does not answer.")

    monkeypatch.setattr("app.services.intake.reconciling.reconcile", away)
    adapters = replace(system.adapters, upload_events=events, storage=MemoryStorage())
    take_upload_events(replace(system, adapters=adapters))
    pauses = [events.put_off_for[each.receipt] for each in messages]
    assert pauses == sorted(pauses)
    assert sum(pauses[:4]) > 12 * 3600
    assert max(pauses) <= 12 * 3600, "SQS hides none for longer"
    assert events.deleted == []


def test_the_queue_says_how_often_a_message_came(scheduler: System, said: Queue) -> None:
    said.say(created("another", "incoming/a/b", 1))
    events = scheduler.adapters.upload_events
    assert events is not None
    assert [[each.times for each in events.receive()] for _ in range(2)] == [[1], [2]]


def test_a_run_ends_soon_though_messages_never_end(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless(FakeUploadEvents):
        def receive(self) -> list[UploadEvent]:
            clock[0] += 0.5
            return [UploadEvent("r")]

    clock = [0.0]
    monkeypatch.setattr(reconciling, "monotonic", lambda: clock[0])
    take_upload_events(replace(system, adapters=replace(system.adapters, upload_events=Endless())))
    assert clock[0] <= 10
