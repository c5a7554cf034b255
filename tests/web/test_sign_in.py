"""Signing in and out with a local password. T11, T30, T35."""

import re

import pytest
from flask import Flask
from sqlalchemy import select

from app import create_app
from app.domain.policy import Role
from app.models import Account, SignInSession
from app.services import accounts
from app.system import System
from tests.factories.people import PASSWORD, make_account
from tests.web.callers import Browser, without_csrf_tokens
from tests.web.looks import deeds

OUTSIDE = (
    "https://evil.example/",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    " //evil.example",
    "http:evil.example",
    "https:/evil.example",
    "javascript:alert(1)",
    "evil.example",
    "@evil.example",
    "/\x00/evil.example",
)


@pytest.fixture
def account(system: System) -> Account:
    return make_account(system)


def sessions(system: System) -> list[SignInSession]:
    with system.work() as uow:
        return list(uow.session.scalars(select(SignInSession)))


def test_the_right_password_signs_in(browser: Browser, account: Account, system: System) -> None:
    assert not browser.signed_in()
    answer = browser.sign_in(account.email.upper() + " ")
    assert (answer.status_code, answer.location) == (303, "/")
    assert browser.signed_in()
    assert [row.account_id for row in sessions(system)] == [account.id]
    assert [deed.detail["account"] for deed in deeds(system, "session.begun")] == [account.email]


@pytest.mark.parametrize("password", ["wrong horse battery", "", "Correct horse battery", "x" * 300])
def test_a_wrong_password_does_not(browser: Browser, account: Account, system: System, password: str) -> None:
    answer = browser.sign_in(account.email, password)
    assert answer.status_code == (401 if 0 < len(password) <= 256 else 422)
    assert not browser.signed_in()
    assert sessions(system) == []


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(
    browser: Browser, account: Account, system: System
) -> None:
    """T35."""
    locked = make_account(system, Role.ENGINEER)
    set_active(system, locked, active=False)
    pages = set()
    for email, password in (
        (account.email, "wrong horse battery"),
        ("nobody@example.com", "x"),
        (locked.email, ""),
    ):
        answer = browser.sign_in(email, password or PASSWORD)
        page = answer.text.replace(email, "THE ADDRESS")
        pages.add((answer.status_code, without_csrf_tokens(page)))
    assert len(pages) == 1
    assert "do not fit together" in pages.pop()[1]
    assert len(deeds(system, "session.refused")) == 3


@pytest.mark.parametrize("role", [Role.ENGINEER, Role.ADMIN])
def test_staff_held_to_a_provider_have_no_password(system: System, account: Account, role: Role) -> None:
    """T35: theirs is answered as a wrong one is; the page tells everybody what is to be done."""
    strict = system.settings.model_copy(update={"staff_sign_in": "provider"})
    browser = Browser(create_app(strict, adapters=system.adapters, database=system.database))
    staff, pages = make_account(system, role), set()
    for email, password in (
        (staff.email, PASSWORD),
        (staff.email, "wrong horse battery"),
        ("n@example.com", "x"),
    ):
        answer = browser.sign_in(email, password)
        pages.add((answer.status_code, without_csrf_tokens(answer.text.replace(email, "THE ADDRESS"))))
    assert len(pages) == 1
    assert "Support staff sign in through" in pages.pop()[1]
    assert sessions(system) == []
    assert browser.sign_in(account.email).status_code == 303, "customers are not staff"


def set_active(system: System, account: Account, *, active: bool) -> None:
    with system.work() as uow:
        uow.session.get_one(Account, account.id).active = active


def test_a_planted_cookie_never_becomes_signed_in(app: Flask, browser: Browser, account: Account) -> None:
    """T30: what an attacker put into the browser before is worth nothing after."""
    attacker = Browser(app)
    token = attacker.csrf_token()
    planted = attacker.cookie()
    browser.steal(planted)
    form = {"csrf_token": token, "email": account.email, "password": PASSWORD}
    assert browser.ask("POST", "/sign-in", data=form).status_code == 303
    assert browser.signed_in()
    assert browser.cookie() != planted
    assert not attacker.signed_in()
    stale = browser.ask("POST", "/sign-out", data={"csrf_token": token})
    assert stale.status_code == 403, "the CSRF token from before still works"


def test_signing_in_again_ends_the_session_of_before(app: Flask, browser: Browser, account: Account) -> None:
    """T30: an attacker's own live session, planted, does not become the victim's."""
    browser.sign_in(account.email)
    before = browser.cookie()
    form = {"csrf_token": browser.csrf_token(), "email": account.email, "password": PASSWORD}
    assert browser.ask("POST", "/sign-in", data=form).status_code == 303
    assert browser.signed_in()
    assert not Browser(app).steal(before).signed_in()


def test_signing_out_ends_the_session_on_the_server(
    app: Flask, browser: Browser, account: Account, system: System
) -> None:
    """T11: a captured cookie is dead, and only POST signs out (T31)."""
    browser.sign_in(account.email)
    captured = browser.cookie()
    assert browser.get("/sign-out").status_code == 405
    assert Browser(app).steal(captured).signed_in()
    answer = browser.post("/sign-out")
    assert (answer.status_code, answer.location) == (303, "/sign-in")
    assert not Browser(app).steal(captured).signed_in()
    assert sessions(system) == []


def test_a_new_password_ends_every_session(browser: Browser, account: Account, system: System) -> None:
    """T11."""
    browser.sign_in(account.email)
    with system.work() as uow:
        accounts.set_password(uow, uow.session.get_one(Account, account.id), "another horse battery")
    assert not browser.signed_in()
    assert browser.sign_in(account.email).status_code == 401
    assert browser.sign_in(account.email, "another horse battery").status_code == 303


def test_a_locked_account_is_out_at_once(browser: Browser, account: Account, system: System) -> None:
    """T11."""
    browser.sign_in(account.email)
    set_active(system, account, active=False)
    assert not browser.signed_in()
    assert browser.sign_in(account.email).status_code == 401
    set_active(system, account, active=True)
    assert browser.signed_in(), "the session was only asleep"


@pytest.mark.parametrize("target", OUTSIDE)
def test_signing_in_never_leads_outside(browser: Browser, account: Account, target: str) -> None:
    assert browser.sign_in(account.email, next=target).location == "/"


def test_signing_in_leads_back_to_where_somebody_wanted_to_go(browser: Browser, account: Account) -> None:
    asked = browser.get("/files?q=web-01&state=clean")
    assert asked.status_code == 303
    form = browser.get(asked.location)
    target = re.search(r'name="next"[^>]*value="([^"]+)"', form.text)
    assert target
    assert (
        browser.sign_in(account.email, next=target[1].replace("&amp;", "&")).location
        == "/files?q=web-01&state=clean"
    )


def test_passwords_are_kept_as_argon2id(account: Account) -> None:
    assert account.password_hash
    assert account.password_hash.startswith("$argon2id$")
    assert "horse" not in account.password_hash
