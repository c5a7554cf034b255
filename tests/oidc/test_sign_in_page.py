"""How people find their provider: by a button, or by their mail address."""

import html
import re

import pytest
from flask import Flask
from sqlalchemy import func

from app import create_app
from app.domain.policy import Role
from app.models import Account, IdentityProvider
from app.settings import Settings
from app.system import System
from tests.factories.people import make_account
from tests.oidc.hostile import Hostile
from tests.oidc.test_claims import arrive
from tests.oidc.world import change, known, sign_in
from tests.web.callers import Browser

BUTTON = "Sign in with The acme provider"


def typed(browser: Browser, email: str, **fields: str) -> str:
    """Type an address without a password; return where the page leads by itself, or nothing."""
    answer = browser.sign_in(email, "", **fields)
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', answer.text)
    assert answer.status_code == (200 if found else 422)
    return html.unescape(found[1]) if found else ""


def test_a_button_for_each_that_is_listed(
    browser: Browser, hostile: Hostile, system: System, provider: IdentityProvider
) -> None:
    page = browser.get("/sign-in?next=/files")
    assert BUTTON in page.text
    assert 'href="/sign-in/with/acme?next=/files"' in page.text
    change(system, provider, listed=False)
    assert BUTTON not in browser.get("/sign-in").text
    change(system, provider, listed=True, disabled_at=func.now())
    assert BUTTON not in browser.get("/sign-in").text
    assert "Through your company" not in browser.get("/sign-in").text


@pytest.mark.parametrize("email", ["jane@example.com", "nobody@EXAMPLE.com", " x@example.com. "])
def test_an_address_of_its_domain_leads_there(
    browser: Browser, provider: IdentityProvider, email: str
) -> None:
    """T35: whoever has it. Not by a redirect, which the policy about forms would stop."""
    assert typed(browser, email, next="/files") == "/sign-in/with/acme?next=/files"
    assert typed(browser, email, next="https://evil.example") == "/sign-in/with/acme?next=/"


@pytest.mark.parametrize(
    "email", ["jane@sub.example.com", "jane@xample.com", "example.com@", "", "jane@", "jane@[::1]"]
)
def test_other_addresses_do_not(browser: Browser, provider: IdentityProvider, email: str) -> None:
    assert typed(browser, email) == ""


def test_domains_of_other_scripts_are_the_same_in_ascii(
    browser: Browser, hostile: Hostile, system: System
) -> None:
    known(system, hostile, domains=["b\u00fccher.example"])
    assert typed(browser, "jane@b\u00fccher.example") == "/sign-in/with/acme?next=/"
    assert typed(browser, "jane@xn--bcher-kva.example") == "/sign-in/with/acme?next=/"


def test_a_password_is_still_compared(browser: Browser, provider: IdentityProvider, jane: Account) -> None:
    assert browser.sign_in(jane.email).status_code == 303


def test_staff_can_be_held_to_their_provider(settings: Settings, system: System, hostile: Hostile) -> None:
    """`DIAGPORT_STAFF_SIGN_IN=provider`: no password of theirs opens anything; customers keep theirs."""
    app: Flask = create_app(
        settings.model_copy(update={"staff_sign_in": "provider"}),
        adapters=system.adapters,
        database=system.database,
    )
    mapping = {"role": "groups", "roles": {"support": "engineer"}}
    known(system, hostile, "staff", for_staff=True, create_accounts=True, mapping=mapping)
    engineer = make_account(system, Role.ENGINEER)
    assert Browser(app).sign_in(engineer.email).status_code == 401
    assert Browser(app).sign_in(make_account(system).email).status_code == 303
    assert arrive(app, hostile, "staff", groups="support").signed_in()


def test_tries_are_limited_for_a_network(
    settings: Settings, system: System, hostile: Hostile, provider: IdentityProvider, jane: Account
) -> None:
    """T34: what fails counts, what succeeds does not."""
    app = create_app(
        settings.model_copy(update={"max_network_tries": 3}),
        adapters=system.adapters,
        database=system.database,
    )
    for _ in range(5):
        assert sign_in(Browser(app), hostile).status_code == 303
    hostile.claims["nonce"] = "another"
    assert [sign_in(Browser(app), hostile).status_code for _ in range(4)] == [403, 403, 403, 429]
