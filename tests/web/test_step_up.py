"""Dangerous acts need a person who proved lately who they are. T3, T30; ASVS 7.5.3."""

import html
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from app import create_app
from app.domain.lifecycle import UploadState
from app.models import SignInSession, Upload
from app.settings import Settings
from app.system import System
from tests.factories.people import PASSWORD
from tests.factories.quarantine import REASON, get
from tests.factories.uploads import make_upload
from tests.web.callers import Browser, Caller, csrf_token_in
from tests.web.looks import deeds, problem
from tests.web.test_sign_in import OUTSIDE

SECOND = timedelta(seconds=1)
TEN_MINUTES = 600 * SECOND


@pytest.fixture
def upload(customer: Caller, system: System) -> Upload:
    return make_upload(system, customer.actor, UploadState.UNSCANNABLE)


@pytest.fixture
def form(upload: Upload) -> str:
    """Name the address of something dangerous."""
    return f"/quarantine/{upload.id}/release"


@pytest.fixture
def signed_in(browser: Browser, engineer: Caller) -> Browser:
    browser.sign_in(engineer.account.email)
    return browser


def age(system: System, since: timedelta = TEN_MINUTES) -> None:
    """Make it look to the database as if the only person signed in had proved ``since`` ago who they are."""
    with system.work() as uow:
        uow.session.execute(update(SignInSession).values(confirmed_at=func.now() - since))


def row(system: System) -> SignInSession:
    with system.work() as uow:
        uow.session.expire_all()
        return uow.session.scalars(select(SignInSession)).one()


def confirm(browser: Browser, password: str = PASSWORD, target: str = "") -> TestResponse:
    return browser.post("/sign-in/again", {"password": password, "next": target})


def next_in(answer: TestResponse) -> str:
    """Return where an answer leads after the password."""
    assert answer.status_code == 303, answer.text
    place = urlsplit(answer.location)
    assert place.path == "/sign-in/again"
    return parse_qs(place.query)["next"][0]


@pytest.mark.parametrize(
    ("since", "status"), [(0 * SECOND, 200), (TEN_MINUTES - SECOND, 200), (TEN_MINUTES, 303)]
)
def test_a_proof_lasts_ten_minutes(
    signed_in: Browser, system: System, form: str, since: timedelta, status: int
) -> None:
    """T3."""
    age(system, since)
    answer = signed_in.get(form)
    assert answer.status_code == status
    if status == 303:
        assert next_in(answer) == form


def test_use_does_not_prolong_it(signed_in: Browser, system: System, form: str) -> None:
    age(system)
    assert signed_in.get("/files").status_code == 200
    assert signed_in.get(form).status_code == 303


def test_how_long_is_a_setting(settings: Settings, system: System, engineer: Caller, form: str) -> None:
    short = settings.model_copy(update={"step_up_seconds": 60})
    app = create_app(short, adapters=system.adapters, database=system.database)
    browser = Browser(app)
    browser.sign_in(engineer.account.email)
    age(system, 59 * SECOND)
    assert browser.get(form).status_code == 200
    age(system, 60 * SECOND)
    assert browser.get(form).status_code == 303


def test_the_password_leads_back_under_a_new_session(
    app: Flask, signed_in: Browser, engineer: Caller, system: System, form: str
) -> None:
    """T30: the row goes on under another id, a cookie from before is worth nothing."""
    age(system)
    before, cookie = row(system), signed_in.cookie()
    open_in_another_tab = signed_in.csrf_token()

    answer = confirm(signed_in, target=next_in(signed_in.get(form)))

    assert (answer.status_code, answer.location) == (303, form)
    after = row(system)
    assert after.id != before.id
    assert after.created_at == before.created_at, "it must end when it would have ended"
    assert after.confirmed_at > before.confirmed_at
    assert not Browser(app).steal(cookie).signed_in()
    assert signed_in.get(form).status_code == 200
    assert [deed.actor_label for deed in deeds(system, "session.confirmed")] == [engineer.account.email]
    sent = {"csrf_token": open_in_another_tab, "reason": REASON}
    assert signed_in.ask("POST", form, data=sent).status_code == 303, "what was open before still works"


@pytest.mark.parametrize("password", ["wrong horse battery", "", "x" * 300])
def test_a_wrong_password_does_not(
    signed_in: Browser, engineer: Caller, system: System, form: str, password: str
) -> None:
    age(system)
    before = row(system)
    answer = confirm(signed_in, password)
    refused = 0 < len(password) <= 256
    assert answer.status_code == (401 if refused else 422)
    assert ("That address and password do not fit together." in answer.text) is refused
    assert row(system).id == before.id
    assert signed_in.get(form).status_code == 303
    assert [deed.actor_label for deed in deeds(system, "session.refused")] == (
        [engineer.account.email] if refused else []
    )
    assert deeds(system, "session.confirmed") == []


def test_nobody_elses_password_will_do(signed_in: Browser, system: System, admin: Caller, form: str) -> None:
    with system.work() as uow:
        account = uow.session.merge(admin.account)
        account.password_hash = "$argon2id$of-another-password"
    age(system)
    browser = Browser(signed_in.client.application)
    browser.sign_in(admin.account.email)
    assert not browser.signed_in()
    assert confirm(signed_in).status_code == 303


def test_what_was_typed_is_not_lost(
    signed_in: Browser, system: System, customer: Caller, upload: Upload, form: str
) -> None:
    """Somebody thinks for eleven minutes about the reason."""
    typed = 'Because "it" <is> needed & \u4e09\u5341\x00!\r\nAt once.'
    token = csrf_token_in(signed_in.get(form))
    age(system)

    stale = signed_in.ask("POST", form, data={"csrf_token": token, "reason": typed, "other": "thing"})
    assert get(system, upload).released_at is None
    confirm(signed_in, "wrong horse battery", target=next_in(stale))
    back = confirm(signed_in, target=next_in(stale))

    page = signed_in.get(back.location)
    kept = html.unescape(page.text.partition("<textarea")[2].partition(">")[2].partition("</textarea>")[0])
    assert kept.strip().replace("\r", "") == typed.replace("\x00", "").replace("\r", "")
    elsewhere = make_upload(system, customer.actor, UploadState.UNSCANNABLE)
    assert "At once." not in signed_in.get(f"/quarantine/{elsewhere.id}/release").text
    assert signed_in.post(form, {"reason": kept}).status_code == 303
    assert get(system, upload).released_at
    assert row(system).kept is None


def test_without_the_pages_token_nothing_is_kept(signed_in: Browser, system: System, form: str) -> None:
    """T31: another site cannot put words into the form."""
    age(system)
    assert signed_in.ask("POST", form, data={"reason": REASON}).status_code == 403
    assert row(system).kept is None


@pytest.mark.parametrize("target", OUTSIDE)
def test_it_never_leads_outside(signed_in: Browser, target: str) -> None:
    assert confirm(signed_in, target=target).location == "/"


@pytest.mark.parametrize("headers", [{"Accept": "application/json"}, {"Accept": "*/*", "HX-Request": "true"}])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_script_is_told_so(
    signed_in: Browser, system: System, form: str, method: str, headers: dict[str, str]
) -> None:
    age(system)
    token = {"X-CSRFToken": signed_in.csrf_token()}
    problem(signed_in.ask(method, form, headers=headers | token), 403, "fresh_sign_in_needed")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_token_is_no_person(admin: Caller, system: System, upload: Upload, form: str, method: str) -> None:
    """T3: however much its owner may do."""
    for path in (form, "/sign-in/again"):
        problem(admin.ask(method, path, data={"reason": REASON, "password": PASSWORD}), 403, "forbidden")
    assert get(system, upload).released_at is None


def test_every_dangerous_form_has_a_page_to_come_back_to(app: Flask) -> None:
    views: dict[str, Any] = app.view_functions
    rules = list(app.url_map.iter_rules())
    dangerous = {rule.rule for rule in rules if views[rule.endpoint].access.fresh}
    assert dangerous
    assert dangerous <= {rule.rule for rule in rules if "GET" in (rule.methods or ())}


def test_whoever_is_not_signed_in_signs_in_first(browser: Browser) -> None:
    assert browser.get("/sign-in/again").location == "/sign-in?next=/sign-in/again"
