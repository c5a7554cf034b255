"""Uploads straight to S3: begun, sent, resumed, completed, cancelled."""

import random
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app import create_app
from app.domain.jobs import JobName
from app.domain.lifecycle import UploadState
from app.models import Upload
from app.services.intake import direct
from app.system import System
from tests.factories.bundles import make_tgz
from tests.factories.direct import bucket_of, with_bucket
from tests.factories.tickets import basic, issue_ticket
from tests.fakes import FakeQueue
from tests.integration.looking import pass_time
from tests.s3servers import S3Server
from tests.web.callers import Caller
from tests.web.direct import SMALL, Direct, put

MIB = 1024**2
#: Two parts: what cannot be compressed stays as large as it is.
LARGE = make_tgz({"noise.bin": random.Random(1).randbytes(17 * MIB)})


@pytest.fixture
def system(system: System, swift: S3Server) -> System:
    return with_bucket(system, swift)


@pytest.fixture
def row(session: Session) -> "Row":
    return Row(session)


class Row:
    def __init__(self, session: Session) -> None:
        self.session = session

    def of(self, upload: Direct) -> Upload:
        self.session.expire_all()
        return self.session.get_one(Upload, UUID(upload.id))


def test_a_bundle_arrives_in_parts(customer: Caller, queue: FakeQueue, row: Row) -> None:
    upload = Direct(customer, LARGE).begin(case="CS-7", note="It hangs.")
    assert upload.plan == {
        "id": upload.id,
        "filename": "web-01.tgz",
        "size": len(LARGE),
        "state": "receiving",
        "part_size": 16 * MIB,
        "part_count": 2,
        "arrived": [],
    }
    upload.send()
    assert row.of(upload).state is UploadState.RECEIVING
    answer = upload.complete()
    assert answer.status_code == 200, answer.text
    document = answer.get_json()
    assert (document["state"], document["size"], document["sha256"]) == ("sealed", len(LARGE), None)
    assert (document["case"], document["note"]) == ("CS-7", "It hangs.")
    assert queue.rung[-1] == (JobName.SCAN_UPLOAD, upload.id)
    stored = row.of(upload)
    assert stored.storage_key == f"{customer.account.id}/{upload.id}", "it lies under its sender's own prefix"
    assert (stored.state, stored.held_bytes, stored.received_bytes) == (
        UploadState.SEALED,
        len(LARGE),
        len(LARGE),
    )


def test_completed_twice_it_is_one(customer: Caller, queue: FakeQueue) -> None:
    upload = Direct(customer, SMALL).begin().send()
    first = upload.complete()
    rung = list(queue.rung)
    assert upload.complete().get_json() == first.get_json()
    assert upload.complete(parts=[]).get_json() == first.get_json()
    assert queue.rung == rung


def join(upload: Direct, system: System, row: Row) -> None:
    """Have the store complete it; nobody says so in the row."""
    begun = row.of(upload)
    store, _ = bucket_of(system)
    parts = direct.announced_parts(begun, {part["number"]: part["sha256"] for part in upload.parts()})
    direct.join(store, begun, parts)


def test_a_lost_commit_is_made_up_for(customer: Caller, system: System, row: Row) -> None:
    """F8: S3 completed it, and whoever asked died before the row said so."""
    upload = Direct(customer, LARGE).begin().send()
    join(upload, system, row)
    answer = upload.complete()
    assert (answer.status_code, answer.get_json()["state"]) == (200, "sealed")


@pytest.mark.parametrize("ask", [Direct.look, Direct.sign])
def test_whoever_looks_first_makes_up_for_it(
    customer: Caller, system: System, row: Row, moto: S3Server, ask: Callable[[Direct], TestResponse]
) -> None:
    """F8: nobody needs to know of the parts any more; the store, like AWS, does not either."""
    system = with_bucket(system, moto)
    caller = Caller(create_app(system.settings, adapters=system.adapters, database=system.database), system)
    upload = Direct(caller, SMALL).begin().send()
    join(upload, system, row)
    assert ask(upload).status_code == (200 if ask is Direct.look else 409)
    assert row.of(upload).state is UploadState.SEALED
    assert upload.look().get_json()["arrived"] == []
    assert upload.complete(parts=[]).status_code == 200


def test_another_machine_goes_on(customer: Caller) -> None:
    """F2: nothing but the id is needed."""
    upload = Direct(customer, LARGE).begin().send(2)
    answer = upload.complete()
    assert answer.status_code == 409
    assert (answer.get_json()["code"], answer.get_json()["parts"]) == ("parts_missing", [1])
    there = upload.look().get_json()
    assert [(part["number"], part["size"]) for part in there["arrived"]] == [(2, len(LARGE) - 16 * MIB)]
    assert upload.send(1).complete().status_code == 200


def test_a_part_that_was_not_named_is_missing(customer: Caller) -> None:
    upload = Direct(customer, LARGE).begin().send()
    answer = upload.complete(parts=upload.parts()[:1])
    assert answer.get_json()["parts"] == [2]


def test_how_far_it_is_can_be_seen(customer: Caller) -> None:
    upload = Direct(customer, LARGE).begin().send(1)
    upload.sign(upload.parts()[1])
    assert customer.get(f"/api/v1/uploads/{upload.id}").get_json()["received"] == 16 * MIB


def test_what_is_no_tgz_is_removed(customer: Caller, system: System, row: Row) -> None:
    upload = Direct(customer, b"PK\x03\x04 and so on").begin().send()
    answer = upload.complete()
    assert (answer.status_code, answer.get_json()["code"]) == (415, "wrong_content")
    rejected = row.of(upload)
    assert (rejected.state, rejected.held_bytes) == (UploadState.REJECTED, None)
    assert list(system.adapters.storage.stored()) == []
    assert upload.complete().status_code == 410


def test_a_cancelled_upload_leads_nowhere(customer: Caller, system: System, row: Row) -> None:
    """T27: addresses that were signed before are good for nothing afterwards."""
    upload = Direct(customer, SMALL).begin()
    signed = upload.sign().get_json()["parts"][0]
    assert upload.cancel().status_code == 204
    assert put(signed, SMALL).status_code == 404
    assert row.of(upload).state is UploadState.ABANDONED
    assert list(system.adapters.storage.stored()) == []
    assert {upload.look().status_code, upload.sign().status_code, upload.complete().status_code} == {410}
    assert upload.cancel().status_code == 204


def test_what_is_complete_is_not_signed_or_cancelled(customer: Caller) -> None:
    upload = Direct(customer, SMALL).begin().send()
    upload.complete()
    assert (upload.sign().status_code, upload.cancel().status_code) == (409, 409)
    assert upload.look().get_json()["state"] == "sealed"


def test_what_the_store_has_lost_begins_anew(customer: Caller, system: System, row: Row) -> None:
    """A life-cycle rule that is shorter than the portal's patience, say."""
    upload = Direct(customer, SMALL).begin().send()
    system.adapters.storage.delete(row.of(upload).storage_key)
    pass_time(system, UUID(upload.id), 601)
    assert upload.complete().status_code == 410
    assert row.of(upload).state is UploadState.ABANDONED


def test_it_is_nobody_elses(customer: Caller, stranger: Caller, app: Flask, system: System) -> None:
    """T2: a colleague's upload is as absent as a stranger's, and as one that never was."""
    upload = Direct(customer, SMALL).begin()
    colleague = Caller(app, system, organisation=customer.account.organisation)
    for other in (stranger, colleague):
        theirs = Direct(other, SMALL)
        theirs.plan = upload.plan
        for place in (upload.place, f"/api/v1/direct/{uuid4()}"):
            theirs.place = place
            answers = {theirs.look().text, theirs.sign().text, theirs.complete().text, theirs.cancel().text}
            assert len(answers) == 1
            assert theirs.look().status_code == 404
    assert upload.look().status_code == 200


def test_a_tus_upload_is_no_direct_one(customer: Caller) -> None:
    document = customer.put(SMALL).get_json()
    assert customer.get(f"/api/v1/direct/{document['id']}").status_code == 404


def test_a_ticket_sends_too(app: Flask, system: System, row: Row) -> None:
    guest = Caller(app, system)
    guest.headers = basic(issue_ticket(system, "CS-9"))
    upload = Direct(guest, SMALL).begin(case="CS-1").send()
    assert upload.complete().get_json()["case"] == "CS-9"
    stored = row.of(upload)
    assert stored.storage_key == f"{stored.ticket_id}/{upload.id}"
    assert guest.ask("POST", "/api/v1/direct", json={"filename": "a.tgz", "size": 9}).status_code == 410
