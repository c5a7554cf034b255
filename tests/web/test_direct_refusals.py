"""Uploads straight to S3: what is refused before the first part is signed, and limits that hold."""

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import create_app
from app.models import Organisation, Upload
from app.system import System
from tests.factories.direct import sum_of, with_bucket
from tests.s3servers import S3Server
from tests.web.callers import Browser, Caller
from tests.web.direct import SMALL, Direct, put


@pytest.fixture
def system(system: System, swift: S3Server) -> System:
    limited = replace(system, settings=system.settings.model_copy(update={"max_open_uploads": 2}))
    return with_bucket(limited, swift)


def begin(caller: Caller, **said: object) -> Any:
    return caller.ask("POST", "/api/v1/direct", json={"filename": "a.tgz", "size": 9} | said)


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        ({"size": None}, 400, "bad_request"),
        ({"size": "9"}, 422, "invalid_input"),
        ({"size": True}, 422, "invalid_input"),
        ({"size": -1}, 400, "bad_request"),
        ({"size": 0}, 415, "wrong_content"),
        ({"size": 20 * 10**9 + 1}, 413, "too_large"),
        ({"filename": None}, 422, "invalid_input"),
        ({"filename": ["a.tgz"]}, 422, "invalid_input"),
        ({"case": "<script>"}, 422, "invalid_input"),
        ({"sha256": "abc"}, 422, "invalid_input"),
    ],
)
def test_what_does_not_fit_is_not_begun(
    customer: Caller, session: Session, said: dict[str, object], status: int, code: str
) -> None:
    answer = begin(customer, **said)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert session.scalar(select(func.count()).select_from(Upload)) == 0


def test_a_body_that_is_no_object_is_refused(customer: Caller) -> None:
    for body in (b"", b"[]", b"{", b'"a.tgz"'):
        answer = customer.ask("POST", "/api/v1/direct", data=body, content_type="application/json")
        assert answer.status_code == 400
    assert customer.ask("POST", "/api/v1/direct", data={"size": "9"}).status_code == 400


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ([], 400),
        ([1], 400),
        ([{"number": "1", "sha256": sum_of(SMALL)}], 400),
        ([{"number": 0, "sha256": sum_of(SMALL)}], 422),
        ([{"number": 2, "sha256": sum_of(SMALL)}], 422),
        ([{"number": 1}], 422),
        ([{"number": 1, "sha256": "c2hvcnQ="}], 422),
        ([{"number": 1, "sha256": "no base64!"}], 422),
    ],
)
def test_parts_that_there_cannot_be_are_not_signed(customer: Caller, parts: list[Any], status: int) -> None:
    upload = Direct(customer, SMALL).begin()
    for action in ("parts", "complete"):
        answer = customer.ask("POST", f"{upload.place}/{action}", json={"parts": parts})
        assert answer.status_code == status, answer.text


def test_no_more_than_a_hundred_parts_are_signed_at_a_time(customer: Caller) -> None:
    upload = Direct(customer, SMALL).begin(size=16 * 1024**2 * 101)
    assert upload.plan["part_count"] == 101
    parts = [{"number": number, "sha256": sum_of(SMALL)} for number in range(1, 102)]
    assert upload.sign(*parts).status_code == 400
    assert len(upload.sign(*parts[1:]).get_json()["parts"]) == 100


def test_the_quota_holds(customer: Caller, session: Session) -> None:
    """F17: reserved when it begins, given back when it is cancelled."""
    organisation = session.get_one(Organisation, customer.account.organisation_id)
    organisation.quota_bytes = 1000
    session.commit()
    assert begin(customer, size=1001).get_json()["code"] == "quota_exceeded"
    upload = Direct(customer, SMALL).begin(size=900)
    assert begin(customer, size=101).status_code == 413
    assert upload.cancel().status_code == 204
    assert begin(customer, size=101).status_code == 201


def test_open_uploads_are_counted(customer: Caller) -> None:
    for _ in range(2):
        assert begin(customer).status_code == 201
    assert (begin(customer).status_code, begin(customer).get_json()["code"]) == (429, "too_many_open")


def test_an_address_is_for_what_was_announced(customer: Caller) -> None:
    """T27, through the portal: the store itself refuses other bytes."""
    upload = Direct(customer, SMALL).begin()
    signed = upload.sign().get_json()["parts"][0]
    assert put(signed, b"x" * len(SMALL)).status_code == 400
    assert put(signed, SMALL + b"x").status_code == 403
    assert upload.complete().get_json()["parts"] == [1]


def test_a_session_needs_its_token(app: Flask, customer: Caller) -> None:
    """T9."""
    browser = Browser(app)
    browser.sign_in(customer.account.email)
    body = {"filename": "a.tgz", "size": len(SMALL)}
    assert browser.ask("POST", "/api/v1/direct", json=body).status_code == 403
    headers = {"X-CSRFToken": browser.csrf_token(), "Accept": "application/json"}
    begun = browser.ask("POST", "/api/v1/direct", headers, json=body)
    assert begun.status_code == 201
    place = begun.location
    for method, path in (("POST", f"{place}/parts"), ("POST", f"{place}/complete"), ("DELETE", place)):
        assert browser.ask(method, path, {"Accept": "application/json"}, json={}).status_code == 403
    assert browser.ask("DELETE", place, headers).status_code == 204


def test_pages_may_send_to_the_store(app: Flask, system: System, customer: Caller, swift: S3Server) -> None:
    policy = customer.get("/").headers["Content-Security-Policy"]
    assert f"connect-src 'self' {swift.url};" in policy


def test_without_s3_it_is_not_offered(system: System, session: Session) -> None:
    """Clients then take another way: nothing was begun."""
    (disk,) = system.adapters.other_stores
    on_disk = replace(system, adapters=replace(system.adapters, storage=disk))
    caller = Caller(
        create_app(on_disk.settings, adapters=on_disk.adapters, database=on_disk.database), on_disk
    )
    answer = begin(caller)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "direct_not_offered")
    assert session.scalar(select(func.count()).select_from(Upload)) == 0
    assert "connect-src 'self';" in caller.get("/").headers["Content-Security-Policy"]
