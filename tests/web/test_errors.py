"""Errors are said once: a problem document for programs, a page for people. T17, C1, C13."""

import json
import re
from typing import Never

import pytest
from flask import Flask

from app import create_app
from app.db import Database
from app.domain.errors import TooManyTriesError
from app.domain.lifecycle import UploadState
from app.system import System
from app.web.access import public
from tests.architecture.access_matrix import read_matrix
from tests.factories.requests import request_for
from tests.factories.uploads import make_upload
from tests.web.callers import Browser, Caller
from tests.web.looks import problem
from tests.web.standing import faults_of

SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@pytest.fixture
def app(app: Flask) -> Flask:
    """Give the portal with one view that breaks."""

    def broken() -> Never:
        raise ZeroDivisionError("secret words")

    public(broken)
    app.add_url_rule("/broken", view_func=broken)
    return app


CASES = [
    ("GET", "/nowhere", 404, "not_found"),
    ("GET", "/files/not-a-uuid", 404, "not_found"),
    ("DELETE", "/files", 405, "method_not_allowed"),
    ("GET", "/broken", 500, "internal_error"),
    ("GET", "/files?state=nonsense", 400, "bad_request"),
    ("PUT", "/upload/a.tgz", 415, "wrong_content"),
]


@pytest.mark.parametrize(("method", "path", "status", "code"), CASES)
def test_programs_get_a_problem_and_people_the_same_sentence(
    app: Flask, customer: Caller, method: str, path: str, status: int, code: str
) -> None:
    """RFC 9457."""
    said = problem(customer.ask(method, path), status, code)
    page = Browser(app).ask(method, path, headers=customer.headers)
    assert page.status_code == status
    assert page.mimetype == "text/html"
    assert said["detail"].replace("'", "&#39;") in page.text
    assert "secret words" not in json.dumps(said) + page.text
    assert "Traceback" not in page.text


def test_a_method_that_is_not_taken_names_those_that_are(customer: Caller) -> None:
    """RFC 9110 section 15.5.6."""
    allow = customer.ask("DELETE", "/files").headers["Allow"]
    assert set(allow.split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_a_form_that_is_too_large_is_not_read(browser: Browser) -> None:
    token = browser.csrf_token()
    answer = browser.ask(
        "POST", "/sign-in", data={"csrf_token": token, "email": "x" * 300_000, "password": "x"}
    )
    assert answer.status_code == 413
    assert "That is more than this form takes." in answer.text


def test_the_number_of_the_request_is_on_the_page(browser: Browser) -> None:
    answer = browser.get("/nowhere")
    number = answer.headers["X-Request-Id"]
    assert re.fullmatch(r"[0-9a-f]{32}", number)
    assert number in answer.text
    assert browser.get("/nowhere", headers={"X-Request-Id": "mine"}).headers["X-Request-Id"] not in {
        number,
        "mine",
    }


@pytest.mark.parametrize("rule", ["/", "/files/<uuid:upload_id>", "/t/<ticket>", "/nowhere", "/broken"])
@pytest.mark.parametrize("signed_in", [False, True])
def test_every_answer_has_the_security_headers(
    app: Flask, admin: Caller, customer: Caller, system: System, rule: str, signed_in: bool
) -> None:
    """T17, to the letter; tests/architecture/test_access.py looks at every route's."""
    browser = Browser(app)
    if signed_in:
        browser.sign_in(admin.account.email)
    upload = make_upload(system, customer.actor, UploadState.CLEAN)
    headers = browser.ask(**request_for("GET", rule, upload.id)).headers
    secret = rule.startswith(("/t/", "/activate/", "/reset/"))
    hidden = {"Referrer-Policy": "no-referrer"} if secret else {}
    assert {name: headers[name] for name in SECURITY} == SECURITY | hidden
    policy = headers["Content-Security-Policy"]
    if policy != "sandbox":
        assert policy.startswith("default-src 'none'; ")
        assert {"base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"} <= set(policy.split("; "))
    assert "unsafe" not in policy
    assert "*" not in policy
    same_for_all = rule.startswith("/static/") or rule == "/diagport.py"
    assert ("no-store" in headers["Cache-Control"]) is not same_for_all


NASTY = [
    "'\"\\;--",
    "' OR '1'='1",
    "{{7*7}}",
    "%00",
    "%ff%fe",
    "../" * 9,
    "\u202e",
    "x" * 3000,
    "%0d%0aSet-Cookie:%20a=b",
]


@pytest.mark.parametrize("nasty", NASTY)
def test_no_input_breaks_anything(app: Flask, customer: Caller, nasty: str) -> None:
    """C1: path, query, headers, cookies of every route; the Host header is input too."""
    header = nasty.encode("ascii", "ignore").decode()
    headers = {"User-Agent": header, "X-Forwarded-Host": header, "Accept": header, "If-None-Match": header}
    headers |= {"Cookie": f"diagport={header}", "Range": header, "Idempotency-Key": header or "x"}
    for method, rule in sorted(read_matrix()):
        request = request_for(method, rule, nasty)
        path = str(request.pop("path")).replace("bundle.tgz", nasty)
        path += f"?q={nasty}&case={nasty}&cursor={nasty}&organisation={nasty}&state={nasty}&next={nasty}"
        answer = customer.ask(
            **request | {"path": path, "headers": {**request.get("headers", {}), **headers}}
        )
        assert answer.status_code < 500, (method, rule)
        assert "a" not in {cookie.partition("=")[0] for cookie in answer.headers.getlist("Set-Cookie")}


def test_nobody_is_led_to_a_host_that_they_named(app: Flask) -> None:
    """C1, T36: answers hold no address made of the Host header."""
    for headers in ({"Host": "evil.example"}, {"X-Forwarded-Host": "evil.example"}):
        for path in ("/files", "/sign-in", "/nowhere"):
            answer = app.test_client().get(path, headers={"Accept": "text/html"} | headers)
            assert answer.status_code == (421 if "Host" in headers else answer.status_code)
            assert "evil.example" not in answer.text + str(answer.headers)


def test_htmx_is_told_to_load_the_page_anew_when_the_session_ended(app: Flask) -> None:
    answer = app.test_client().get("/files", headers={"Accept": "text/html", "HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.headers["HX-Refresh"] == "true"
    assert "WWW-Authenticate" not in answer.headers


def test_when_to_come_again_is_said_to_both(app: Flask) -> None:
    """RFC 9110 section 10.2.3."""

    def crowded() -> Never:
        raise TooManyTriesError("Too many tries.", 740)

    public(crowded)
    app.add_url_rule("/crowded", view_func=crowded)
    said = app.test_client().get("/crowded")
    assert said.headers["Retry-After"] == "740"
    assert problem(said, 429, "too_many_requests")["retry_after"] == 740
    page = Browser(app).get("/crowded")
    assert page.headers["Retry-After"] == "740"
    assert "You can try again in 13 minutes." in page.text


@pytest.mark.parametrize("path", ["/files", "/broken", "/nowhere", "/sign-in"])
def test_a_person_is_told_even_when_the_database_is_away(
    app: Flask, system: System, admin: Caller, path: str
) -> None:
    """F8: the page that says so must not need what is away."""
    browser = Browser(app)
    browser.sign_in(admin.account.email)
    nobody = Database.connect("postgresql+psycopg://127.0.0.1:1/nobody")
    away = create_app(system.settings, adapters=system.adapters, database=nobody)

    def broken() -> Never:
        raise ZeroDivisionError("secret words")

    public(broken)
    away.add_url_rule("/broken", view_func=broken)
    page = Browser(away).steal(browser.cookie()).get(path)
    assert page.status_code == {"/broken": 500, "/nowhere": 404}.get(path, 503)
    assert page.headers["X-Request-Id"] in page.text
    assert "secret words" not in page.text
    nobody.engine.dispose()


def test_a_broken_frame_does_not_hide_the_number(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """What breaks every page leaves a bare one, not the server's own."""
    monkeypatch.setattr("app.web.errors.render_template", lambda *_, **__: 1 // 0)
    page = Browser(app).get("/nowhere")
    assert page.status_code == 404
    assert page.headers["X-Request-Id"] in page.text
    assert "There is nothing at this address." in page.text
    assert faults_of(page) == []
