"""The pages on which people choose how they sign in. T3, T11, T37; ASVS 6.2.3, 7.4.3, 7.5.1."""

import re

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.domain.events import Event
from app.models import Account, Delivery, RecoveryCode, Totp
from app.queries import factors as held
from app.queries.factors import Factors
from app.system import System
from tests.factories.authenticator import Authenticator
from tests.factories.factors import Phone, make_app, make_codes, make_passkey
from tests.factories.people import PASSWORD, bearer
from tests.web.callers import Browser, Caller
from tests.web.looks import deeds, problem

NEW = "quiet otters mend kites"
CODE = re.compile(r"<code>((?:[0-9A-Z]{4}-){2}[0-9A-Z]{4})</code>")


@pytest.fixture
def mine(browser: Browser, customer: Caller) -> Browser:
    browser.sign_in(customer.account.email)
    return browser


@pytest.fixture
def elsewhere(app: Flask, customer: Caller) -> Browser:
    """Give another browser in which the customer is signed in."""
    browser = Browser(app)
    browser.sign_in(customer.account.email)
    return browser


def has(system: System, account: Account) -> Factors:
    with system.work() as uow:
        uow.session.expire_all()
        return held.of(uow.session, account.id)


def mails(system: System, account: Account) -> list[str]:
    """Return what the account's owner was told of changes."""
    with system.work() as uow:
        told = select(Delivery.told).where(
            Delivery.event == Event.ACCOUNT_CHANGED, Delivery.recipient == account.email
        )
        return [each["what"] for each in uow.session.scalars(told.order_by(Delivery.created_at))]


def change_app(browser: Browser, act: str, code: str = "") -> TestResponse:
    return browser.post("/account/authenticator", {"act": act, "code": code})


def secret_on(page: TestResponse) -> str:
    found = re.search(r'id="secret">([A-Z2-7 ]+)<', page.text)
    assert found, page.text
    return found[1].replace(" ", "")


def test_an_app_is_added(mine: Browser, elsewhere: Browser, customer: Caller, system: System) -> None:
    """T37: its secret is shown until it is confirmed, and never again; other sessions end."""
    assert change_app(mine, "propose").status_code == 303
    page = mine.get("/account/authenticator")
    secret = secret_on(page)
    assert "data:image/svg+xml" in page.text
    assert change_app(mine, "confirm", "000000").status_code == 422
    assert not has(system, customer.account).second
    assert elsewhere.signed_in()

    done = change_app(mine, "confirm", Phone(secret).code(system))
    assert done.location == "/account/recovery-codes"
    assert has(system, customer.account).second
    assert not elsewhere.signed_in()
    assert mine.signed_in()
    for path in ("/account/authenticator", "/account"):
        assert secret not in mine.get(path).text.replace(" ", "")
    with system.work() as uow:
        assert secret not in uow.session.scalars(select(Totp.secret)).one(), "it must be encrypted"
    (deed,) = deeds(system, "factor.app_added")
    assert (deed.detail["before"]["app"], deed.detail["after"]["app"]) == (False, True)
    assert secret not in str(deed.detail)
    assert mails(system, customer.account) == ["An authenticator app was added."]
    browser = Browser(mine.client.application)
    assert browser.sign_in(customer.account.email).location == "/sign-in/second"


def test_a_second_app_needs_the_first_one_removed(mine: Browser, customer: Caller, system: System) -> None:
    make_app(system, customer.account)
    before = has(system, customer.account).app_since
    assert change_app(mine, "propose").status_code == 409
    assert change_app(mine, "confirm", "123456").status_code == 422
    assert has(system, customer.account).app_since == before


def test_the_last_factor_takes_the_codes_with_it(
    mine: Browser, elsewhere: Browser, customer: Caller, system: System
) -> None:
    make_app(system, customer.account)
    make_codes(system, customer.account)
    assert change_app(mine, "remove").status_code == 303
    assert has(system, customer.account) == Factors(None, [], 0, None)
    assert not elsewhere.signed_in()
    assert mails(system, customer.account)[-1] == "The authenticator app was removed."


def test_codes_are_shown_once(mine: Browser, customer: Caller, system: System) -> None:
    """T37: kept as SHA-256; new ones replace them."""
    assert mine.post("/account/recovery-codes").status_code == 422, "there is nothing to stand in for"
    make_app(system, customer.account)
    first = CODE.findall(mine.post("/account/recovery-codes").text)
    second = CODE.findall(mine.post("/account/recovery-codes").text)
    assert len(set(first + second)) == 20
    with system.work() as uow:
        kept = set(uow.session.scalars(select(RecoveryCode.code_hash)))
    assert len(kept) == 10
    assert not kept & set(first + second)
    assert CODE.findall(mine.get("/account/recovery-codes").text) == []
    for code, status in ((first[0], 401), (second[0], 303)):
        browser = Browser(mine.client.application)
        browser.sign_in(customer.account.email)
        assert browser.post("/sign-in/second", {"code": code}).status_code == status


def test_a_passkey_is_added_renamed_and_removed(
    mine: Browser, elsewhere: Browser, customer: Caller, system: System
) -> None:
    headers = {"X-CSRFToken": mine.csrf_token(), "Accept": "application/json"}
    key = Authenticator()

    def add(name: str) -> TestResponse:
        options = mine.ask("POST", "/account/passkeys/options", headers=headers, json={}).get_json()
        document = {"credential": key.make(options), "name": name}
        return mine.ask("POST", "/account/passkeys/new", headers=headers, json=document)

    problem(add("  "), 422, "invalid_input")
    key.origin = "http://evil.example"
    problem(add("Laptop"), 422, "invalid_input")
    key.origin = "http://localhost"
    assert add("Laptop").get_json() == {"next": "/account/recovery-codes"}
    problem(add("Laptop again"), 409, "state_conflict")
    (passkey,) = has(system, customer.account).passkeys
    assert not elsewhere.signed_in()

    path = f"/account/passkeys/{passkey.id}"
    assert mine.post(path, {"act": "rename", "name": ""}).status_code == 422
    assert mine.post(path, {"act": "rename", "name": "Old <laptop>"}).status_code == 303
    assert "Old &lt;laptop&gt;" in mine.get("/account").text
    assert mine.post(path, {"act": "remove"}).status_code == 303
    assert has(system, customer.account).passkeys == []
    assert mine.get(path).status_code == 404
    assert [len(deeds(system, f"factor.passkey_{what}")) for what in ("added", "renamed", "removed")] == [
        1,
        1,
        1,
    ]
    assert mails(system, customer.account) == [
        "A passkey was added: Laptop.",
        "A passkey was removed: Old <laptop>.",
    ]


def test_nobody_elses_passkey_can_be_touched(mine: Browser, stranger: Caller, system: System) -> None:
    make_passkey(system, stranger.account)
    (passkey,) = has(system, stranger.account).passkeys
    for act in ("rename", "remove"):
        answer = mine.post(f"/account/passkeys/{passkey.id}", {"act": act, "name": "Mine"})
        assert answer.status_code == 404
    assert [each.name for each in has(system, stranger.account).passkeys] == [passkey.name]


def test_the_only_way_in_stays(mine: Browser, customer: Caller, system: System) -> None:
    make_passkey(system, customer.account)
    with system.work() as uow:
        uow.session.merge(customer.account).password_hash = None
    (passkey,) = has(system, customer.account).passkeys
    answer = mine.post(f"/account/passkeys/{passkey.id}", {"act": "remove"})
    assert answer.status_code == 422
    assert "You sign in with this passkey alone." in answer.text
    assert has(system, customer.account).passkeys


def change_password(browser: Browser, current: str = PASSWORD, new: str = NEW) -> TestResponse:
    return browser.post("/account/password", {"current": current, "password": new, "again": new})


def test_a_new_password_ends_all_but_this(
    app: Flask, mine: Browser, elsewhere: Browser, customer: Caller, system: System
) -> None:
    """T11, T30: here the session goes on under another id; tokens end."""
    before, headers = mine.cookie(), bearer(system, customer.account)
    assert change_password(mine).status_code == 303
    assert mine.signed_in()
    assert not Browser(app).steal(before).signed_in()
    assert not elsewhere.signed_in()
    assert app.test_client().get("/api/v1/uploads", headers=headers).status_code == 401
    for password, status in ((PASSWORD, 401), (NEW, 303)):
        assert Browser(app).sign_in(customer.account.email, password).status_code == status


@pytest.mark.parametrize(("current", "new"), [("wrong horse battery", NEW), (PASSWORD, "short"), ("", NEW)])
def test_a_password_needs_the_one_before(mine: Browser, elsewhere: Browser, current: str, new: str) -> None:
    """ASVS 6.2.3."""
    assert change_password(mine, current, new).status_code == 422
    assert elsewhere.signed_in()
