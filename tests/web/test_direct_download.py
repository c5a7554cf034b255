"""Downloads straight from S3: to whom, of what, and for how long."""

import re
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import BinaryIO
from uuid import uuid4

import pytest
import requests
from flask import Flask
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app import create_app
from app.adapters.storage.filesystem import FilesystemStorage
from app.domain.lifecycle import UploadState
from app.models import AuditEvent, Scan, Upload
from app.system import System
from tests.factories.direct import with_bucket
from tests.factories.quarantine import make_infected, make_released
from tests.factories.uploads import make_upload
from tests.integration.looking import fresh
from tests.integration.mover import run
from tests.s3servers import S3Server
from tests.web.callers import Browser, Caller
from tests.web.direct import SMALL


@pytest.fixture
def system(system: System, swift: S3Server) -> System:
    return with_bucket(system, swift)


@pytest.fixture
def clean(system: System, customer: Caller) -> Upload:
    return make_settled(system, customer)


def make_settled(system: System, customer: Caller, state: UploadState = UploadState.CLEAN) -> Upload:
    return make_upload(system, customer.actor, state, content=SMALL, filename="Jürgens host.tgz")


@pytest.fixture
def staff(app: Flask, engineer: Caller) -> Browser:
    """Sign an engineer in, as people do who are sent to the store."""
    browser = Browser(app)
    browser.sign_in(engineer.account.email)
    return browser


def fetch(answer: TestResponse, **headers: str) -> requests.Response:
    assert answer.status_code == 303, answer.text
    return requests.get(answer.location, headers=headers, timeout=10)


def test_a_browser_gets_the_bytes_from_the_store(clean: Upload, staff: Browser) -> None:
    for path in (f"/download/{clean.id}", f"/api/v1/uploads/{clean.id}/content"):
        answer = staff.get(path)
        assert answer.headers["Cache-Control"] == "private, no-store"
        got = fetch(answer)
        assert got.content == SMALL
        assert got.headers["Content-Type"] == "application/gzip"
        assert got.headers["Content-Disposition"].startswith("attachment; filename=")
        assert "filename*=UTF-8''J%C3%BCrgens%20host.tgz" in got.headers["Content-Disposition"]


def test_whoever_sends_credentials_gets_the_bytes_here(clean: Upload, customer: Caller) -> None:
    """`curl -o` without -L must not leave an empty file and say that all is well."""
    token = customer.headers["Authorization"].removeprefix("Bearer ")
    basic = {"Authorization": "Basic " + b64encode(f"any:{token}".encode()).decode()}
    for path in (f"/download/{clean.id}", f"/api/v1/uploads/{clean.id}/content"):
        for headers in ({}, basic):
            answer = customer.get(path, headers=headers)
            assert (answer.status_code, answer.data) == (200, SMALL)
        part = customer.get(path, headers={"Range": "bytes=2-4"})
        assert (part.status_code, part.data) == (206, SMALL[2:5])


def test_an_address_lasts_for_a_minute(clean: Upload, staff: Browser) -> None:
    """T10. That the store keeps to it is shown in tests/adapters/test_presign.py."""
    address = staff.get(f"/download/{clean.id}").location
    assert "X-Amz-Expires=60&" in address
    signed_at = re.search(r"X-Amz-Date=(\w+)", address)
    assert signed_at
    moment = datetime.strptime(signed_at[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert abs(datetime.now(UTC) - moment) < timedelta(seconds=30)
    assert requests.get(address.replace("Expires=60", "Expires=6000"), timeout=10).status_code == 403
    assert requests.get(address.partition("?")[0], timeout=10).status_code >= 400


def test_a_part_of_it_can_be_had(clean: Upload, staff: Browser) -> None:
    got = fetch(staff.get(f"/download/{clean.id}", headers={"Range": "bytes=2-4"}), Range="bytes=2-4")
    assert (got.status_code, got.content) == (206, SMALL[2:5])


def test_head_is_answered_here(clean: Upload, staff: Browser) -> None:
    """The address would be signed for a GET."""
    answer = staff.ask("HEAD", f"/download/{clean.id}")
    assert (answer.status_code, answer.headers["Content-Length"]) == (200, str(len(SMALL)))
    assert answer.headers["ETag"] == f'"{clean.sha256}"'


def test_it_leaves_the_same_trace(clean: Upload, engineer: Caller, staff: Browser, session: Session) -> None:
    staff.get(f"/download/{clean.id}", headers={"Range": "bytes=2-4"})
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


def test_what_is_released_goes_to_staff_alone(system: System, customer: Caller, staff: Browser) -> None:
    """Through the portal, which looks at who asks to the last byte: nobody has proven it clean."""
    upload = make_released(system, customer.actor)
    assert staff.get(f"/download/{upload.id}").status_code == 200
    assert customer.get(f"/download/{upload.id}").status_code == 409


def test_what_was_put_in_its_place_is_not_served(
    clean: Upload, staff: Browser, swift: S3Server, session: Session
) -> None:
    """T26: not by a new address, and not by one that was signed before."""
    before = staff.get(f"/download/{clean.id}").location
    bucket = before.removeprefix(swift.url).split("/")[1]
    swift.client.put_object(Bucket=bucket, Key=f"files/{clean.storage_key}", Body=b"x" * len(SMALL))
    answer = staff.get(f"/download/{clean.id}")
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
    system: System, swift: S3Server, customer: Caller
) -> None:
    """Nothing could pin the address to what was scanned."""
    plain = with_bucket(system, swift, versioned=False)
    upload = make_settled(plain, customer)
    browser = Browser(create_app(plain.settings, adapters=plain.adapters, database=plain.database))
    browser.sign_in(customer.account.email)
    answer = browser.get(f"/download/{upload.id}")
    assert (answer.status_code, answer.data) == (200, SMALL)


def test_a_download_that_meets_a_move_goes_where_the_bundle_went(
    system: System, customer: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F14: the old object is gone when it is opened; nothing is missing."""
    (disk,) = system.adapters.other_stores
    on_disk = replace(system, adapters=replace(system.adapters, storage=disk))
    upload = make_settled(on_disk, customer)
    open_ = FilesystemStorage.open

    def late(store: FilesystemStorage, key: str) -> tuple[BinaryIO, str]:
        monkeypatch.setattr(FilesystemStorage, "open", open_)
        assert run(system, "--to", "s3").exit_code == 0
        return open_(store, key)

    monkeypatch.setattr(FilesystemStorage, "open", late)
    answer = customer.get(f"/api/v1/uploads/{upload.id}/content")
    assert (answer.status_code, answer.data) == (200, SMALL)
    assert fresh(system, upload.id).state is UploadState.CLEAN


def test_one_that_is_not_where_its_row_says_yet_is_asked_for_again(
    system: System, customer: Caller, engineer: Caller
) -> None:
    """A worker moves it within the bucket: no damage, and nothing that was not looked at is sent."""
    upload = make_released(system, customer.actor)
    with system.work() as uow:
        uow.session.execute(delete(Scan).where(Scan.upload_id == upload.id))
        uow.session.execute(
            update(Upload).where(Upload.id == upload.id).values(storage_version="incoming:before")
        )
    answer = engineer.get(f"/download/{upload.id}")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    now = fresh(system, upload.id)
    assert now.state is UploadState.UNSCANNABLE
    assert now.rescan_asked_at is not None
