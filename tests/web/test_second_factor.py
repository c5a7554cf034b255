"""The second factor of a sign-in: codes of an app, recovery codes, what is half open. T30, T37; C14, C15."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from app.models import PendingSignIn, SignInSession
from app.system import System
from tests.factories.authenticator import Authenticator
from tests.factories.factors import Phone, make_app, make_codes, make_passkey
from tests.factories.people import PASSWORD
from tests.factories.requests import SAFE, request_for, rules
from tests.web.callers import Browser, Caller
from tests.web.looks import deeds

WRONG = "This code does not fit, or was used before."


@pytest.fixture
def phone(customer: Caller, system: System) -> Phone:
    return make_app(system, customer.account)


@pytest.fixture
def half(browser: Browser, customer: Caller, phone: Phone) -> Browser:
    """Give a browser in which the customer has typed the right password, and no more."""
    answer = browser.sign_in(customer.account.email, next="/cases")
    assert (answer.status_code, answer.location) == (303, "/sign-in/second")
    return browser


def prove(browser: Browser, code: str) -> TestResponse:
    return browser.post("/sign-in/second", {"code": code})


def token_of_page(browser: Browser) -> dict[str, str]:
    return {"X-CSRFToken": browser.csrf_token()}


def sessions(system: System) -> list[SignInSession]:
    with system.work() as uow:
        uow.session.expire_all()
        return list(uow.session.scalars(select(SignInSession)))


def test_password_and_code_open_a_session(half: Browser, phone: Phone, system: System) -> None:
    """T30: what the cookie named before is worth nothing."""
    before = half.cookie()
    answer = prove(half, phone.code(system))
    assert (answer.status_code, answer.location) == (303, "/cases")
    assert half.signed_in()
    (row,) = sessions(system)
    assert row.factors == ["password", "totp"]
    again = Browser(half.client.application).steal(before)
    assert not again.signed_in()
    assert again.get("/sign-in/second").location == "/sign-in"


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_the_steps_beside_now_will_do(half: Browser, phone: Phone, system: System, steps: int) -> None:
    with system.work() as uow:
        uow.session.connection().exec_driver_sql("UPDATE totp SET last_counter = NULL")
    assert prove(half, phone.code(system, steps)).status_code == 303


@pytest.mark.parametrize("steps", [-3, 3])
def test_others_will_not(half: Browser, phone: Phone, system: System, steps: int) -> None:
    with system.work() as uow:
        uow.session.connection().exec_driver_sql("UPDATE totp SET last_counter = NULL")
    answer = prove(half, phone.code(system, steps))
    assert answer.status_code == 401
    assert WRONG in answer.text
    assert len(deeds(system, "session.refused")) == 1
    assert sessions(system) == []


def test_no_code_is_good_twice(half: Browser, customer: Caller, phone: Phone, system: System) -> None:
    """T37, C15: however it is written the second time."""
    code = phone.code(system)
    assert prove(half, code).status_code == 303
    for written in (code, f" {code[:3]} {code[3:]} ", f"{code[:3]}-{code[3:]}", code.translate(ARABIC)):
        browser = Browser(half.client.application)
        browser.sign_in(customer.account.email)
        assert prove(browser, written).status_code == 401, written


ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


def test_nor_one_from_before_it(half: Browser, customer: Caller, phone: Phone, system: System) -> None:
    """T37: the step before the one that was taken is still in the window."""
    assert prove(half, phone.code(system, 1)).status_code == 303
    browser = Browser(half.client.application)
    browser.sign_in(customer.account.email)
    assert prove(browser, phone.code(system)).status_code == 401


def test_an_older_step_than_the_last_is_refused_a_newer_is_not(
    half: Browser, customer: Caller, phone: Phone, system: System
) -> None:
    assert prove(half, phone.code(system)).status_code == 303
    browser = Browser(half.client.application)
    browser.sign_in(customer.account.email)
    assert prove(browser, phone.code(system, 1)).status_code == 303


def test_a_recovery_code_is_good_once(half: Browser, customer: Caller, system: System, app: Flask) -> None:
    """T37; its owner is told."""
    first, second, *_ = make_codes(system, customer.account)
    assert prove(half, first.lower().replace("-", " ")).status_code == 303
    assert sessions(system)[0].factors == ["password", "recovery_code"]
    browser = Browser(app)
    browser.sign_in(customer.account.email)
    assert prove(browser, first).status_code == 401
    assert prove(browser, second).status_code == 303
    assert [deed.detail["after"] for deed in deeds(system, "factor.code_used")] == [9, 8]


def test_nobody_elses_code_will_do(half: Browser, stranger: Caller, system: System) -> None:
    other = make_app(system, stranger.account)
    assert prove(half, make_codes(system, stranger.account)[0]).status_code == 401
    assert prove(half, other.code(system)).status_code == 401


def test_half_a_sign_in_opens_its_page_and_nothing_else(app: Flask, half: Browser, system: System) -> None:
    """T37: every route answers whoever is half signed in as it answers nobody."""
    nobody = Browser(app)
    for method, rule in sorted(rules(app)):
        if rule.startswith(("/sign-in", "/static", "/healthz", "/readyz", "/metrics")):
            continue
        request = request_for(method, rule, "00000000-0000-4000-8000-000000000000")
        both = [who.ask(**request) for who in (half, nobody)]
        assert both[0].status_code == both[1].status_code, (method, rule)
        done = {200, 204} if method in SAFE else set()  # reading what is for everybody
        assert both[0].status_code in {303, 401, 403, 404, 410, 422} | done, (method, rule)
    assert not half.signed_in()
    assert half.get("/sign-in/second").status_code == 200


def test_it_shows_no_secret(half: Browser, phone: Phone, system: System) -> None:
    """T37, FileRise CVE-2026-44460."""
    page = half.get("/sign-in/second").text
    assert phone.app.secret not in page
    assert half.get("/account/authenticator").status_code == 303


def test_it_ends(half: Browser, phone: Phone, system: System) -> None:
    """By the database's clock (F21)."""
    with system.work() as uow:
        uow.session.execute(update(PendingSignIn).values(expires_at=func.now() - timedelta(seconds=1)))
    assert prove(half, phone.code(system)).location == "/sign-in"
    assert half.get("/sign-in/second").location == "/sign-in"
    assert sessions(system) == []


def test_suspended_meanwhile(half: Browser, customer: Caller, phone: Phone, system: System) -> None:
    """T11."""
    with system.work() as uow:
        uow.session.merge(customer.account).active = False
    assert prove(half, phone.code(system)).location == "/sign-in"
    assert sessions(system) == []


def test_planted_halves_become_nobody(app: Flask, half: Browser, phone: Phone, system: System) -> None:
    """T30: who was given somebody else's cookie before does not come in with them."""
    thief = Browser(app).steal(half.cookie())
    assert prove(half, phone.code(system)).status_code == 303
    assert not thief.signed_in()
    assert thief.get("/sign-in/second").location == "/sign-in"


def test_a_browser_that_was_signed_in_is_not_any_more(
    app: Flask, browser: Browser, customer: Caller, stranger: Caller, system: System
) -> None:
    """Of whatever organisation: the walls between them hide neither session from its end."""
    browser.sign_in(stranger.account.email)
    cookie, token = browser.cookie(), browser.csrf_token()
    make_app(system, customer.account)
    sent = {"csrf_token": token, "email": customer.account.email, "password": PASSWORD}
    assert browser.ask("POST", "/sign-in", data=sent).location == "/sign-in/second"
    assert not Browser(app).steal(cookie).signed_in()
    assert sessions(system) == []


def test_with_a_passkey_alone_the_password_is_not_enough(
    browser: Browser, customer: Caller, system: System
) -> None:
    key = make_passkey(system, customer.account, Authenticator())
    assert browser.sign_in(customer.account.email).location == "/sign-in/second"
    headers = token_of_page(browser)
    asked = browser.ask("POST", "/sign-in/second/passkey/options", headers=headers, json={}).get_json()
    assert [each["id"] for each in asked["allowCredentials"]] == [key.sign(asked)["id"]]
    answer = browser.ask(
        "POST", "/sign-in/second/passkey", headers=headers, json={"credential": key.sign(asked)}
    )
    assert answer.get_json() == {"next": "/"}
    assert browser.signed_in()
    assert sessions(system)[0].factors == ["password", "passkey"]
