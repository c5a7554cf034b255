"""What a passkey's answer must be, and what is refused; by a security key in software. T37, T30; WebAuthn."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from app import create_app
from app.domain.errors import InvalidInputError
from app.domain.policy import Role
from app.models import Passkey, PasskeyChallenge, SignInSession
from app.services import passkey_proof
from app.settings import Settings
from app.system import System
from tests.factories.authenticator import BACKED_UP, ELIGIBLE, PRESENT, VERIFIED, Authenticator
from tests.factories.factors import make_passkey
from tests.factories.people import make_account
from tests.web.callers import Browser, Caller
from tests.web.looks import deeds, problem

Change = Callable[[Authenticator], None]


@pytest.fixture
def key(customer: Caller, system: System) -> Authenticator:
    return make_passkey(system, customer.account)


def post(browser: Browser, path: str, **document: Any) -> TestResponse:
    """Post JSON as the page's script does."""
    headers = {"X-CSRFToken": browser.csrf_token(), "Accept": "application/json"}
    return browser.ask("POST", path, headers=headers, json=document)


def asked(browser: Browser, path: str = "/sign-in/passkey") -> dict[str, Any]:
    answer = post(browser, f"{path}/options")
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.get_json()
    return document


def enter(browser: Browser, key: Authenticator, **changed: Any) -> TestResponse:
    credential = key.sign(asked(browser), **changed)
    return post(browser, "/sign-in/passkey", credential=credential, next="/cases")


def sessions(system: System) -> list[SignInSession]:
    with system.work() as uow:
        uow.session.expire_all()
        return list(uow.session.scalars(select(SignInSession)))


def row(system: System) -> Passkey:
    with system.work() as uow:
        uow.session.expire_all()
        return uow.session.scalars(select(Passkey)).one()


def test_it_signs_in_with_nothing_typed(browser: Browser, key: Authenticator, system: System) -> None:
    before = browser.cookie()
    assert enter(browser, key).get_json() == {"next": "/cases"}
    assert browser.signed_in()
    assert browser.cookie() != before
    assert sessions(system)[0].factors == ["passkey"]
    assert row(system).last_used_at
    assert row(system).sign_count == 1


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda key: setattr(key, "origin", "http://evil.example"), id="origin"),
        pytest.param(lambda key: setattr(key, "origin", "https://localhost"), id="scheme"),
        pytest.param(lambda key: setattr(key, "origin", "http://localhost:81"), id="port"),
        pytest.param(lambda key: setattr(key, "domain", "evil.example"), id="domain"),
        pytest.param(lambda key: setattr(key, "frame", True), id="frame"),
        pytest.param(lambda key: setattr(key, "flags", PRESENT), id="unverified"),
        pytest.param(lambda key: setattr(key, "flags", VERIFIED), id="absent"),
        pytest.param(lambda key: setattr(key, "key", Authenticator().key), id="other-key"),
        pytest.param(lambda key: setattr(key, "id", bytes(32)), id="unknown"),
        pytest.param(lambda key: setattr(key, "owner", "AAAA"), id="owner"),
    ],
)
def test_what_is_not_as_it_should_be_is_refused(
    browser: Browser, key: Authenticator, system: System, wrong: Change
) -> None:
    """T37: origin, relying party, presence, and a finger or a PIN where it stands alone."""
    wrong(key)
    problem(enter(browser, key), 422, "invalid_input")
    assert sessions(system) == []
    assert len(deeds(system, "session.refused")) == 1
    assert row(system).sign_count == 0


def test_no_challenge_is_good_twice(browser: Browser, key: Authenticator, app: Flask) -> None:
    """T37, C14: neither after success nor after failure."""
    credential = key.sign(asked(browser))
    assert post(browser, "/sign-in/passkey", credential=credential).status_code == 200
    problem(post(browser, "/sign-in/passkey", credential=credential), 410, "gone")
    other = Browser(app)
    options = asked(other)
    problem(
        post(other, "/sign-in/passkey", credential=key.sign(options, signature="AAAA")), 422, "invalid_input"
    )
    problem(post(other, "/sign-in/passkey", credential=key.sign(options)), 410, "gone")


def test_nor_in_another_browser(browser: Browser, key: Authenticator, app: Flask, system: System) -> None:
    """T30: a thief who let somebody sign for them gets nothing."""
    credential = key.sign(asked(browser))
    thief = Browser(app)
    problem(post(thief, "/sign-in/passkey", credential=credential), 410, "gone")
    asked(thief)
    problem(post(thief, "/sign-in/passkey", credential=credential), 422, "invalid_input")
    assert sessions(system) == []


def test_a_challenge_expires(browser: Browser, key: Authenticator, system: System) -> None:
    """By the database's clock (F21)."""
    credential = key.sign(asked(browser))
    with system.work() as uow:
        uow.session.execute(update(PasskeyChallenge).values(expires_at=func.now() - timedelta(seconds=1)))
    problem(post(browser, "/sign-in/passkey", credential=credential), 410, "gone")


def test_what_was_signed_for_one_thing_opens_no_other(
    browser: Browser, key: Authenticator, customer: Caller
) -> None:
    browser.sign_in(customer.account.email)
    credential = key.sign(asked(browser))
    problem(post(browser, "/sign-in/second/passkey", credential=credential), 410, "gone")


def test_a_copy_is_refused(browser: Browser, key: Authenticator, system: System, app: Flask) -> None:
    """T37: the counter goes back, or stands still."""
    key.counter = 5
    assert enter(browser, key).status_code == 200
    for copied in (2, 5):
        key.counter = copied
        problem(enter(Browser(app), key), 403, "forbidden")
    assert len(deeds(system, "factor.passkey_copied")) == 2
    assert row(system).sign_count == 6
    key.counter = 6
    assert enter(Browser(app), key).status_code == 200


def test_one_that_does_not_count_is_no_copy(
    browser: Browser, customer: Caller, system: System, app: Flask
) -> None:
    key = make_passkey(system, customer.account, Authenticator(counter=None))
    assert enter(browser, key).status_code == 200
    assert enter(Browser(app), key).status_code == 200


def test_whether_it_is_backed_up_is_kept(browser: Browser, key: Authenticator, system: System) -> None:
    assert not row(system).backed_up
    assert row(system).transports == ["internal"]
    key.flags |= ELIGIBLE | BACKED_UP
    assert enter(browser, key).status_code == 200
    assert row(system).backed_up


def test_the_suspended_are_refused(
    browser: Browser, key: Authenticator, customer: Caller, system: System
) -> None:
    """T11."""
    with system.work() as uow:
        uow.session.merge(customer.account).active = False
    problem(enter(browser, key), 403, "forbidden")
    assert sessions(system) == []


def test_staff_held_to_their_provider_are_refused(settings: Settings, system: System) -> None:
    app = create_app(
        settings.model_copy(update={"staff_sign_in": "provider"}),
        adapters=system.adapters,
        database=system.database,
    )
    key = make_passkey(system, make_account(system, Role.ENGINEER))
    problem(enter(Browser(app), key), 403, "forbidden")
    assert sessions(system) == []


def test_a_portal_without_a_name_offers_none(settings: Settings, system: System) -> None:
    """WebAuthn knows no addresses that are numbers."""
    numbered = settings.model_copy(update={"base_url": "http://127.0.0.1:8000"})
    app = create_app(numbered, adapters=system.adapters, database=system.database)
    browser = Browser(app)
    assert "passkey" not in browser.get("/sign-in").text.partition("<main")[2]
    headers = {"X-CSRFToken": browser.csrf_token(), "Accept": "application/json"}
    refused = browser.ask("POST", "/sign-in/passkey/options", headers=headers, json={})
    problem(refused, 409, "state_conflict")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
PARTS = st.sampled_from(
    ["id", "rawId", "type", "response", "clientDataJSON", "authenticatorData", "signature"]
)


@examples(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(part=PARTS, value=JSON)
def test_nonsense_is_refused_in_words(system: System, key: Authenticator, part: str, value: Any) -> None:
    """Whatever a browser might send instead."""
    credential = key.sign({"challenge": "AAAA"})
    (credential if part in credential else credential["response"])[part] = value
    with system.work() as uow, pytest.raises(InvalidInputError):
        passkey_proof.check(uow, b"\0\0\0\0", credential)
