"""A web that the bucket's policy lets read only what may go out: what it serves, and what it says. T24."""

from dataclasses import replace

import pytest
import requests
from flask import Flask
from sqlalchemy import select

from app import create_app
from app.adapters.storage.s3.storage import S3Storage
from app.domain.errors import DependencyError
from app.domain.lifecycle import UploadState
from app.jobs.tagging import tag_stored
from app.models import Upload
from app.system import System
from tests.factories.bucket_policy import obey
from tests.factories.direct import bucket_of, with_bucket
from tests.factories.quarantine import make_infected, make_released
from tests.factories.uploads import make_upload
from tests.integration.looking import fresh
from tests.s3servers import S3Server
from tests.web.callers import Browser, Caller
from tests.web.direct import SMALL, Direct
from tests.web.tus import Tus

S = UploadState


@pytest.fixture
def workers(system: System, moto: S3Server) -> System:
    """Give the product as workers see it, with a bucket."""
    return with_bucket(system, moto)


@pytest.fixture
def app(workers: System, moto: S3Server) -> Flask:
    """Give a web that has a client of its own for the bucket, to which its policy applies."""
    worker, bucket = bucket_of(workers)
    store = S3Storage(moto.account(bucket))
    assert store.at.bucket == worker.at.bucket
    obey(store, moto)
    adapters = replace(workers.adapters, storage=store)
    app = create_app(workers.settings, adapters=adapters, database=workers.database)
    app.testing = False
    return app


@pytest.fixture
def staff(app: Flask, engineer: Caller) -> Browser:
    browser = Browser(app)
    browser.sign_in(engineer.account.email)
    return browser


def make(workers: System, customer: Caller, state: UploadState) -> Upload:
    return make_upload(workers, customer.actor, state, content=SMALL)


def test_what_is_clean_is_served_once_it_says_so(workers: System, customer: Caller, staff: Browser) -> None:
    upload = make(workers, customer, S.CLEAN)
    for who in (customer, staff):
        early = who.get(f"/download/{upload.id}")
        assert (early.status_code, early.headers["Retry-After"]) == (503, "10")
        assert "not yet. Try again in a moment." in early.text
    assert fresh(workers, upload.id).first_downloaded_at is None
    tag_stored(workers)
    assert customer.get(f"/download/{upload.id}").data == SMALL
    answer = staff.get(f"/download/{upload.id}")
    assert answer.status_code == 303
    assert requests.get(answer.location, timeout=10).content == SMALL


def test_what_was_released_goes_through_the_portal_alone(
    workers: System, customer: Caller, staff: Browser
) -> None:
    upload = make_released(workers, customer.actor)
    assert staff.get(f"/download/{upload.id}").status_code == 503
    tag_stored(workers)
    answer = staff.get(f"/download/{upload.id}")
    assert answer.status_code == 200
    assert len(answer.data) == upload.size


def test_the_rest_of_what_is_infected_can_be_saved(workers: System, customer: Caller, staff: Browser) -> None:
    upload = make_infected(workers, customer.actor)
    assert staff.get(f"/quarantine/{upload.id}/clean-members").status_code == 503
    tag_stored(workers)
    answer = staff.get(f"/quarantine/{upload.id}/clean-members")
    assert answer.status_code == 200
    assert b"all is well" in answer.data
    assert b"fake-malware" not in answer.data


@pytest.mark.parametrize("state", [S.INFECTED, S.UNSCANNABLE, S.SEALED])
def test_what_may_not_go_out_cannot_even_be_read(
    workers: System, customer: Caller, app: Flask, state: UploadState
) -> None:
    """The portal says no by itself; and so would the bucket."""
    upload = make(workers, customer, state)
    if state is not S.SEALED:
        tag_stored(workers)
    assert customer.get(f"/download/{upload.id}").status_code == 409
    if state is S.SEALED:
        return  # it lies where the web looks at what arrives
    store = app.extensions["diagport"].adapters.storage
    with pytest.raises(DependencyError, match="does not give out this file"):
        store.open(upload.storage_key)


def test_a_tag_that_went_missing_accuses_nobody(
    workers: System, customer: Caller, moto: S3Server, staff: Browser
) -> None:
    """What cannot be read is not taken for damage."""
    upload = make(workers, customer, S.CLEAN)
    tag_stored(workers)
    bucket = bucket_of(workers)[1]
    moto.client.delete_object_tagging(Bucket=bucket, Key=f"files/{upload.storage_key}")
    assert staff.get(f"/download/{upload.id}").status_code == 503
    assert fresh(workers, upload.id).state is S.CLEAN


def test_every_door_is_open_to_a_web_that_may_do_so_little(workers: System, customer: Caller) -> None:
    """Of what is not there yet the policy says no as well: it has no tag."""
    assert customer.put(SMALL).status_code == 201
    assert customer.send_form(("diag", "bundle.tgz", SMALL)).status_code in {201, 303}
    assert Direct(customer, SMALL).begin().send().complete().status_code == 200
    tus = Tus(customer, SMALL).create()
    half = len(SMALL) // 2
    assert tus.patch(0, half).status_code == 204
    assert tus.offset() == half
    assert tus.patch(half).status_code == 200
    with workers.work() as uow:
        sealed = uow.session.scalars(select(Upload).where(Upload.state == S.SEALED)).all()
    assert sorted(upload.door for upload in sealed) == ["direct", "form", "put", "tus"]
