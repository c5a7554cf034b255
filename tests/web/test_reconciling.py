"""Direct uploads whose bytes are all there, and which nobody was left to complete: F3, F12, F20, T27."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select, update

from app import create_app
from app.domain.errors import DependencyError
from app.domain.events import Event
from app.domain.lifecycle import UploadState
from app.jobs.reconciling import take_upload_events
from app.jobs.scan_upload import scan_upload
from app.models import Account, AuditEvent, EventRecord, Ticket
from app.services.intake import direct
from app.system import System
from tests import dying
from tests.factories.direct import bucket_of, with_bucket
from tests.factories.people import make_organisation
from tests.factories.tickets import basic, issue_ticket
from tests.factories.upload_events import TRIES, Queue, created
from tests.fakes import FakeQueue
from tests.integration.looking import fresh, pass_time
from tests.s3servers import S3Server
from tests.web.callers import Caller
from tests.web.direct import SMALL, Direct
from tests.web.reconciling import as_at_aws, joined, listening, take_later, told_of

S = UploadState


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


def test_what_lost_its_web_process_is_completed_for_its_sender(
    scheduler: System, customer: Caller, said: Queue, queue: FakeQueue
) -> None:
    """The same as if they had asked for it: row, receipt, bell; the trail says who did it, and for whom."""
    upload = joined(scheduler, customer)
    assert take_later(scheduler, upload) == {"completed": 1}
    sealed = fresh(scheduler, upload.id)
    assert (sealed.state, sealed.size, sealed.sha256) == (S.SEALED, len(SMALL), None)
    assert (sealed.uploader_id, sealed.received_bytes) == (customer.account.id, len(SMALL))
    assert said.left() == 0
    with scheduler.work() as uow:
        done = uow.session.scalars(select(AuditEvent).where(AuditEvent.action == "upload.sealed")).one()
        told = uow.session.scalars(select(EventRecord.event).where(EventRecord.upload_id == upload.id)).all()
    assert (done.actor_label, done.on_behalf_of) == ("system", customer.account.email)
    assert done.organisation_id == sealed.organisation_id
    assert told == [Event.UPLOAD_RECEIVED]
    assert [argument for _, argument in queue.rung if argument == str(upload.id)]
    scan_upload(scheduler, str(upload.id))
    assert fresh(scheduler, upload.id).state is S.CLEAN
    asked_after_all = customer.get(f"/api/v1/direct/{upload.id}").get_json()
    assert asked_after_all["state"] == "clean"


@pytest.mark.parametrize(
    "arrange", [dying.before(direct, "check_content"), dying.after(direct, "join")], ids=["unseen", "seen"]
)
def test_wherever_it_died_after_the_store_had_it(
    scheduler: System, customer: Caller, arrange: dying.Arrange
) -> None:
    upload = joined(scheduler, customer, arrange=arrange)
    assert take_later(scheduler, upload) == {"completed": 1}


def test_nobody_is_overtaken_who_is_still_at_it(scheduler: System, customer: Caller, said: Queue) -> None:
    upload = joined(scheduler, customer)
    assert take_upload_events(scheduler) is None
    assert (fresh(scheduler, upload.id).state, said.left()) == (S.RECEIVING, 1)
    again = customer.ask(
        "POST", f"/api/v1/direct/{upload.id}/complete", json={"parts": Direct.parts_of(SMALL)}
    )
    assert again.status_code == 200
    said.say(created(bucket_of(scheduler)[1], f"incoming/{upload.storage_key}", len(SMALL)))
    assert take_upload_events(scheduler) is None
    with scheduler.work() as uow:
        sealed = select(AuditEvent).where(AuditEvent.action == "upload.sealed")
        assert [row.actor_label for row in uow.session.scalars(sealed)] == [customer.account.email]


def test_said_twice_it_is_done_once(scheduler: System, customer: Caller, said: Queue) -> None:
    upload = joined(scheduler, customer)
    message = created(bucket_of(scheduler)[1], f"incoming/{upload.storage_key}", len(SMALL))
    said.say(message)
    said.say({"Records": message["Records"] * 2})
    assert take_later(scheduler, upload) == {"completed": 1}
    assert said.left() == 0


def test_whoever_is_faster_there_is_one_acknowledgement(
    scheduler: System, customer: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sender asks at the moment in which the portal does it for them: both have it."""
    upload = joined(scheduler, customer)
    join = direct.join

    def overtaken(*args: Any) -> str:
        monkeypatch.setattr(direct, "join", join)
        parts = {"parts": Direct.parts_of(SMALL)}
        answer = customer.ask("POST", f"/api/v1/direct/{upload.id}/complete", json=parts)
        assert answer.status_code == 200
        return join(*args)

    monkeypatch.setattr(direct, "join", overtaken)
    assert take_later(scheduler, upload) is None
    assert fresh(scheduler, upload.id).state is S.SEALED


def test_what_the_store_does_not_have_whole_is_not_believed(
    scheduler: System, customer: Caller, moto: S3Server, said: Queue
) -> None:
    """T27: whoever could write to the queue, or into the sender's prefix, acknowledges nothing."""
    sent = Direct(customer, SMALL).begin().send()
    upload = fresh(scheduler, UUID(sent.id))
    name, bucket = f"incoming/{upload.storage_key}", bucket_of(scheduler)[1]
    said.say(created(bucket, name, len(SMALL)))
    assert take_later(scheduler, upload) is None  # the parts are here, and nobody has put them together
    moto.client.abort_multipart_upload(Bucket=bucket, Key=name, UploadId=str(upload.multipart_id))
    for size in (len(SMALL) - 1, len(SMALL) + 1):
        moto.client.put_object(Bucket=bucket, Key=name, Body=b"x" * size)
        said.say(created(bucket, name, len(SMALL)))
        assert take_later(scheduler, upload) is None
    assert (fresh(scheduler, upload.id).state, said.left()) == (S.RECEIVING, 0)


def test_what_is_no_bundle_is_refused(scheduler: System, customer: Caller, moto: S3Server) -> None:
    upload = joined(scheduler, customer, b"PK\3\4 not this", dying.before(direct, "check_content"))
    assert take_later(scheduler, upload) == {"refused": 1}
    assert fresh(scheduler, upload.id).state is S.REJECTED
    assert "Contents" not in moto.client.list_objects_v2(Bucket=bucket_of(scheduler)[1])


@pytest.mark.parametrize("ended", ["account", "ticket"])
def test_nothing_is_acknowledged_to_who_may_come_no_more(
    scheduler: System, app: Flask, customer: Caller, ended: str
) -> None:
    if ended == "ticket":
        issued = issue_ticket(scheduler, "CS-7", make_organisation(scheduler, "initrode").id)
        customer.headers = basic(issued)
        upload = joined(scheduler, customer)
        change = update(Ticket).values(revoked_at=upload.created_at)
    else:
        upload = joined(scheduler, customer)
        change = update(Account).where(Account.id == customer.account.id).values(active=False)
    with scheduler.work() as uow:
        uow.session.execute(change)
    assert take_later(scheduler, upload) is None
    assert fresh(scheduler, upload.id).state is S.RECEIVING


def test_a_ticket_s_upload_is_completed_too(scheduler: System, customer: Caller) -> None:
    issued = issue_ticket(scheduler, "CS-7", make_organisation(scheduler, "initrode").id)
    customer.headers = basic(issued)
    upload = joined(scheduler, customer)
    assert take_later(scheduler, upload) == {"completed": 1}
    with scheduler.work() as uow:
        told = set(uow.session.scalars(select(EventRecord.event)))
    assert {Event.UPLOAD_RECEIVED, Event.TICKET_USED} <= told


def test_what_fails_is_left_for_the_next_time_and_given_up_at_last(
    scheduler: System, customer: Caller, said: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other messages are taken meanwhile; and none goes before the commit."""
    upload = joined(scheduler, customer)

    def away(*_: object) -> None:
        raise DependencyError("The database is away.")

    pass_time(scheduler, upload.id, 3600)
    with monkeypatch.context() as patch:
        patch.setattr(direct, "finish", away)
        said.say("unreadable")
        with pytest.MonkeyPatch.context() as once:
            once.setattr("app.jobs.reconciling._SECONDS", 0.5)
            once.setattr("app.jobs.reconciling._PAUSES", (0,))
            take_upload_events(scheduler)
    assert said.given_up() == 1, f"after {TRIES} tries"
    assert said.left() == 0
    said.say(created(bucket_of(scheduler)[1], f"incoming/{upload.storage_key}", len(SMALL)))  # put back
    assert take_upload_events(scheduler) == {"completed": 1}
