"""Downloads straight from S3: to whom, of what, and for how long."""

import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import requests
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app import create_app
from app.domain.lifecycle import UploadState
from app.models import AuditEvent, Upload
from app.system import System
from tests.factories.direct import with_bucket
from tests.factories.quarantine import make_infected, make_released
from tests.factories.uploads import make_upload
from tests.s3servers import S3Server
from tests.web.callers import Caller
from tests.web.direct import SMALL


@pytest.fixture
def system(system: System, swift: S3Server) -> System:
    return with_bucket(system, swift)


@pytest.fixture
def clean(system: System, customer: Caller) -> Upload:
    return make_settled(system, customer)


def make_settled(system: System, customer: Caller, state: UploadState = UploadState.CLEAN) -> Upload:
    return make_upload(system, customer.actor, state, content=SMALL, filename="Jürgens host.tgz")


def fetch(answer: TestResponse, **headers: str) -> requests.Response:
    assert answer.status_code == 303, answer.text
    return requests.get(answer.location, headers=headers, timeout=10)


def test_the_bytes_come_from_the_store(clean: Upload, engineer: Caller) -> None:
    for path in (f"/download/{clean.id}", f"/api/v1/uploads/{clean.id}/content"):
        answer = engineer.get(path)
        assert answer.headers["Cache-Control"] == "private, no-store"
        got = fetch(answer)
        assert got.content == SMALL
        assert got.headers["Content-Type"] == "application/gzip"
        assert got.headers["Content-Disposition"].startswith("attachment; filename=")
        assert "filename*=UTF-8''J%C3%BCrgens%20host.tgz" in got.headers["Content-Disposition"]


def test_an_address_lasts_for_a_minute(clean: Upload, engineer: Caller) -> None:
    """T10. That the store keeps to it is shown in tests/adapters/test_presign.py."""
    address = engineer.get(f"/download/{clean.id}").location
    assert "X-Amz-Expires=60&" in address
    signed_at = re.search(r"X-Amz-Date=(\w+)", address)
    assert signed_at
    moment = datetime.strptime(signed_at[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert abs(datetime.now(UTC) - moment) < timedelta(seconds=30)
    assert requests.get(address.replace("Expires=60", "Expires=6000"), timeout=10).status_code == 403
    assert requests.get(address.partition("?")[0], timeout=10).status_code >= 400


def test_a_part_of_it_can_be_had(clean: Upload, engineer: Caller) -> None:
    got = fetch(engineer.get(f"/download/{clean.id}", headers={"Range": "bytes=2-4"}), Range="bytes=2-4")
    assert (got.status_code, got.content) == (206, SMALL[2:5])


def test_head_is_answered_here(clean: Upload, engineer: Caller) -> None:
    """The address would be signed for a GET."""
    answer = engineer.ask("HEAD", f"/download/{clean.id}")
    assert (answer.status_code, answer.headers["Content-Length"]) == (200, str(len(SMALL)))
    assert answer.headers["ETag"] == f'"{clean.sha256}"'


def test_it_leaves_the_same_trace(clean: Upload, engineer: Caller, session: Session) -> None:
    engineer.get(f"/download/{clean.id}", headers={"Range": "bytes=2-4"})
    row = session.scalars(select(AuditEvent).where(AuditEvent.action == "upload.downloaded")).one()
    assert (row.actor_label, row.detail) == (engineer.account.email, {"range": "bytes=2-4"})
    assert session.get_one(Upload, clean.id).first_downloaded_at is not None


@pytest.mark.parametrize("state", [UploadState.SEALED, UploadState.INFECTED, UploadState.UNSCANNABLE])
def test_nothing_is_signed_of_what_is_not_clean(
    system: System, customer: Caller, engineer: Caller, admin: Caller, state: UploadState
) -> None:
    upload = make_settled(system, customer, state)
    for caller in (customer, engineer, admin):
        answer = caller.get(f"/api/v1/uploads/{upload.id}/content")
        assert (answer.status_code, "Location" in answer.headers) == (409, False)


def test_nothing_is_signed_for_strangers(clean: Upload, stranger: Caller) -> None:
    """T2, T14."""
    for upload_id in (clean.id, uuid4()):
        answer = stranger.get(f"/download/{upload_id}")
        assert (answer.status_code, "Location" in answer.headers) == (404, False)


def test_what_is_released_goes_to_staff_alone(system: System, customer: Caller, engineer: Caller) -> None:
    upload = make_released(system, customer.actor)
    assert fetch(engineer.get(f"/download/{upload.id}")).status_code == 200
    assert customer.get(f"/download/{upload.id}").status_code == 409


def test_what_was_put_in_its_place_is_not_served(
    clean: Upload, engineer: Caller, system: System, swift: S3Server, session: Session
) -> None:
    """T26: not by a new address, and not by one that was signed before."""
    before = engineer.get(f"/download/{clean.id}").location
    bucket = before.removeprefix(swift.url).split("/")[1]
    swift.client.put_object(Bucket=bucket, Key=f"files/{clean.storage_key}", Body=b"x" * len(SMALL))
    answer = engineer.get(f"/download/{clean.id}")
    assert (answer.status_code, "Location" in answer.headers) == (409, False)
    assert requests.get(before, timeout=10).content == SMALL
    session.expire_all()
    assert session.get_one(Upload, clean.id).state is UploadState.INTEGRITY_FAILED


def test_what_is_clean_of_an_infected_one_goes_through_here(
    system: System, customer: Caller, engineer: Caller
) -> None:
    upload = make_infected(system, customer.actor)
    answer = engineer.get(f"/quarantine/{upload.id}/clean-members")
    assert (answer.status_code, answer.mimetype) == (200, "application/x-tar")


def test_without_versions_everything_goes_through_here(
    system: System, swift: S3Server, customer: Caller, engineer: Caller, app: Flask
) -> None:
    """Nothing could pin the address to what was scanned."""
    plain = with_bucket(system, swift, versioned=False)
    upload = make_settled(plain, customer)
    caller = Caller(create_app(plain.settings, adapters=plain.adapters, database=plain.database), plain)
    caller.headers = engineer.headers
    answer = caller.get(f"/download/{upload.id}")
    assert (answer.status_code, answer.data) == (200, SMALL)
