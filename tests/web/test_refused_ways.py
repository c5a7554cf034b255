"""What is refused leaves a trace, if it is about somebody; and a step-up needs a PIN or a finger. T3, T37."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, update

from app import create_app
from app.domain.policy import Role
from app.models import SignInSession, TryCount
from app.settings import Settings
from app.system import System
from tests.factories.authenticator import PRESENT, Authenticator
from tests.factories.factors import make_passkey
from tests.factories.people import PASSWORD, make_account
from tests.web.callers import Browser, Caller
from tests.web.looks import deeds, problem
from tests.web.test_passkeys import asked, enter, post


@pytest.fixture
def key(customer: Caller, system: System) -> Authenticator:
    return make_passkey(system, customer.account)


@pytest.fixture
def strict(settings: Settings, system: System) -> Flask:
    """Give the portal, and its staff come through their provider."""
    held = settings.model_copy(update={"staff_sign_in": "provider"})
    return create_app(held, adapters=system.adapters, database=system.database)


def refused(system: System) -> list[str]:
    return [deed.detail["email"] for deed in deeds(system, "session.refused")]


def token(browser: Browser) -> dict[str, Any]:
    return {"headers": {"X-CSRFToken": browser.csrf_token(), "Accept": "application/json"}}


def age(system: System) -> None:
    with system.work() as uow:
        uow.session.execute(update(SignInSession).values(confirmed_at=func.now() - timedelta(hours=1)))


def test_to_be_there_is_no_proof_of_who_one_is(browser: Browser, customer: Caller, system: System) -> None:
    """ASVS 7.5.3: whoever finds a key beside an open session has no more than the session."""
    browser.sign_in(customer.account.email)
    key = make_passkey(system, customer.account)
    age(system)
    options = asked(browser, "/sign-in/again/passkey")
    assert options["userVerification"] == "required"
    key.flags = PRESENT
    answer = post(browser, "/sign-in/again/passkey", credential=key.sign(options), next="/account")
    problem(answer, 422, "invalid_input")
    assert browser.get("/account/password").location == "/sign-in/again?next=/account/password"
    assert refused(system) == [customer.account.email]


def test_beside_a_password_it_is_enough(browser: Browser, customer: Caller, key: Authenticator) -> None:
    browser.sign_in(customer.account.email)
    options = asked(browser, "/sign-in/second/passkey")
    assert options["userVerification"] == "preferred"
    key.flags = PRESENT
    assert post(browser, "/sign-in/second/passkey", credential=key.sign(options)).status_code == 200


def test_staff_held_to_their_provider_prove_nothing_by_passkey(
    app: Flask, strict: Flask, system: System
) -> None:
    """T3: neither asked for nor taken, and not offered."""
    engineer = make_account(system, Role.ENGINEER)
    before = Browser(app)
    before.sign_in(engineer.email)
    key = make_passkey(system, engineer)
    age(system)
    options = asked(before, "/sign-in/again/passkey")
    offer = "/sign-in/again/passkey/options"
    assert offer in before.get("/sign-in/again").text
    now = Browser(strict).steal(before.cookie())
    assert offer not in now.get("/sign-in/again").text
    for path in ("/sign-in/again/passkey/options", "/sign-in/again/passkey"):
        problem(post(now, path, credential=key.sign(options), next="/"), 403, "forbidden")
    assert now.get("/account/password").location == "/sign-in/again?next=/account/password"
    assert refused(system) == [engineer.email] * 2


def test_who_may_not_come_in_leaves_a_trace(
    browser: Browser, strict: Flask, customer: Caller, key: Authenticator, system: System
) -> None:
    engineer = make_account(system, Role.ENGINEER)
    problem(enter(Browser(strict), make_passkey(system, engineer)), 403, "forbidden")
    with system.work() as uow:
        uow.session.merge(customer.account).active = False
    problem(enter(browser, key), 403, "forbidden")
    assert refused(system) == [engineer.email, customer.account.email]


def test_a_passkey_that_was_removed_leaves_a_trace(
    browser: Browser, customer: Caller, key: Authenticator, system: System
) -> None:
    key.id = bytes(32)
    problem(enter(browser, key), 422, "invalid_input")
    assert refused(system) == [customer.account.email]


def test_a_wrong_password_before_a_new_one_leaves_a_trace(
    browser: Browser, customer: Caller, system: System
) -> None:
    browser.sign_in(customer.account.email)
    new = {"password": "quiet otters mend kites", "again": "quiet otters mend kites"}
    assert browser.post("/account/password", new | {"current": "wrong horse battery"}).status_code == 422
    assert refused(system) == [customer.account.email]
    assert browser.post("/account/password", new | {"current": PASSWORD}).status_code == 303
    assert len(refused(system)) == 1


def test_strangers_rubbish_is_counted_and_not_written_down(
    customer: Caller, key: Authenticator, system: System
) -> None:
    """T34: of a network without end; what is right there costs it nothing."""
    few = system.settings.model_copy(update={"max_network_tries": 3})
    app = create_app(few, adapters=system.adapters, database=system.database)
    for _ in range(4):
        assert enter(Browser(app), key).status_code == 200
    browser, nobody = Browser(app), Authenticator(owner="AAAA")
    problem(enter(browser, nobody), 422, "invalid_input")
    problem(post(browser, "/sign-in/passkey", credential={"rawId": 7}), 410, "gone")
    problem(enter(browser, Authenticator(owner="AAAAAAAAAAAAAAAAAAAAAA")), 422, "invalid_input")
    problem(enter(browser, key), 429, "too_many_requests")
    assert refused(system) == []
    options = asked(browser)
    elsewhere = {"REMOTE_ADDR": "198.51.100.7"}
    document = {"credential": key.sign(options), "next": "/"}
    answer = browser.ask("POST", "/sign-in/passkey", json=document, environ_base=elsewhere, **token(browser))
    assert answer.status_code == 200
    with system.work() as uow:
        uow.session.execute(update(TryCount).values(failures=0))
    assert enter(Browser(app), key).status_code == 200
