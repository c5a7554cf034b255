"""Proving once more who one is by a second factor; and when it is lost, an admin takes it away. T3, T30."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, update

from app.models import Account, SignInSession
from app.queries.factors import Factors
from app.services import factors
from app.system import System
from tests.factories.factors import make_app, make_codes, make_passkey
from tests.factories.people import PASSWORD
from tests.web.callers import Browser, Caller
from tests.web.looks import deeds
from tests.web.test_own_factors import has, mails


@pytest.fixture
def mine(browser: Browser, customer: Caller) -> Browser:
    browser.sign_in(customer.account.email)
    return browser


@pytest.mark.parametrize("path", ["authenticator", "recovery-codes", "password", "passkeys/new"])
def test_changes_need_a_fresh_proof(mine: Browser, system: System, path: str) -> None:
    """T3."""
    with system.work() as uow:
        uow.session.execute(update(SignInSession).values(confirmed_at=func.now() - timedelta(minutes=10)))
    for method in ("GET", "POST"):
        answer = mine.ask(method, f"/account/{path}", data={"csrf_token": mine.csrf_token(), "act": "remove"})
        assert answer.location == f"/sign-in/again?next=/account/{path}"


@pytest.mark.parametrize("second", [True, False])
def test_with_a_second_factor_a_password_proves_nothing(
    mine: Browser, customer: Caller, system: System, second: bool
) -> None:
    """T3: it may have been stolen with the browser."""
    phone = make_app(system, customer.account) if second else None
    before = mine.cookie()
    alone = mine.post("/sign-in/again", {"password": PASSWORD})
    assert alone.status_code == (422 if second else 303)
    if phone:
        for password, code in ((PASSWORD, "000000"), ("wrong horse battery", phone.code(system))):
            assert mine.post("/sign-in/again", {"password": password, "code": code}).status_code == 401
        both = {"password": PASSWORD, "code": phone.code(system)}
        assert mine.post("/sign-in/again", both | {"next": "/account"}).location == "/account"
        assert mine.post("/sign-in/again", both).status_code == 401, "the code was used"
    assert mine.cookie() != before
    (deed,) = deeds(system, "session.confirmed")
    assert deed.detail["factor"] == ("password, totp" if second else "password")


def test_or_a_passkey_does(mine: Browser, customer: Caller, system: System, app: Flask) -> None:
    """T30, T37."""
    key = make_passkey(system, customer.account)
    before = mine.cookie()
    headers = {"X-CSRFToken": mine.csrf_token(), "Accept": "application/json"}
    options = mine.ask("POST", "/sign-in/again/passkey/options", headers=headers, json={}).get_json()
    document = {"credential": key.sign(options), "next": "//evil.example"}
    answer = mine.ask("POST", "/sign-in/again/passkey", headers=headers, json=document)
    assert answer.get_json() == {"next": "/"}
    assert mine.signed_in()
    assert not Browser(app).steal(before).signed_in()


def test_an_admin_takes_all_of_it_away(
    mine: Browser, customer: Caller, admin: Caller, system: System
) -> None:
    """T11: whoever lost the phone starts again, with the password."""
    make_app(system, customer.account)
    make_passkey(system, customer.account)
    make_codes(system, customer.account)
    with system.work(admin.actor) as uow:
        factors.reset(uow, uow.session.get_one(Account, customer.account.id))
    assert has(system, customer.account) == Factors(None, [], 0, None)
    assert not mine.signed_in()
    (deed,) = deeds(system, "factor.reset")
    assert (deed.actor_id, deed.account_id) == (admin.account.id, customer.account.id)
    assert deed.detail["before"]["recovery_codes"] == 10
    assert mails(system, customer.account)[-1].startswith("Your second factor was reset")
    assert Browser(mine.client.application).sign_in(customer.account.email).location == "/"
