"""People of every kind, each with a token, and browsers: nobody's, an admin's, a manager's."""

import pytest
from flask import Flask

from app.domain.policy import Role
from app.models import Account, Organisation, TokenIssuer
from app.system import System
from tests.factories.issuers import make_issuer, with_jwt
from tests.factories.people import make_manager, make_organisation
from tests.fakes import FakeFetcher
from tests.web.callers import Browser, Caller


@pytest.fixture
def customer(app: Flask, system: System) -> Caller:
    return Caller(app, system)


@pytest.fixture
def stranger(app: Flask, system: System) -> Caller:
    """Give a customer of another organisation."""
    return Caller(app, system)


@pytest.fixture
def engineer(app: Flask, system: System) -> Caller:
    return Caller(app, system, Role.ENGINEER)


@pytest.fixture
def admin(app: Flask, system: System) -> Caller:
    return Caller(app, system, Role.ADMIN)


@pytest.fixture
def browser(app: Flask) -> Browser:
    return Browser(app)


@pytest.fixture
def admin_browser(browser: Browser, admin: Caller) -> Browser:
    browser.sign_in(admin.account.email)
    return browser


@pytest.fixture
def home(system: System) -> Organisation:
    """Give the organisation whose people `manager` manages."""
    return make_organisation(system, "acme")


@pytest.fixture
def manager(system: System, home: Organisation) -> Account:
    return make_manager(system, home.id)


@pytest.fixture
def manager_browser(browser: Browser, manager: Account) -> Browser:
    browser.sign_in(manager.email)
    return browser


@pytest.fixture
def issuer(system: System, fetcher: FakeFetcher, customer: Caller) -> TokenIssuer:
    """Give an issuer of the customer's organisation."""
    return make_issuer(system, fetcher, customer.actor.organisation_id)


@pytest.fixture
def machine(app: Flask, system: System, issuer: TokenIssuer) -> Caller:
    """Give a program that comes with a token of `issuer`."""
    caller = Caller(app, system, account=issuer.account)
    caller.headers = with_jwt(issuer)
    return caller
