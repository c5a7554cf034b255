"""A provider that does as it is told, in place of the network."""

import pytest
from flask import Flask

from app.domain.policy import Role
from app.models import Account, IdentityProvider, Organisation
from app.system import System
from tests.factories.people import make_account, make_organisation
from tests.oidc.hostile import Hostile, Network
from tests.oidc.world import JANE, known
from tests.web.callers import Browser


@pytest.fixture
def hostile() -> Hostile:
    return Hostile()


@pytest.fixture
def fetcher(hostile: Hostile) -> Network:
    return Network(hostile)


@pytest.fixture
def browser(app: Flask) -> Browser:
    return Browser(app)


@pytest.fixture
def acme(system: System) -> Organisation:
    return make_organisation(system, "acme")


@pytest.fixture
def provider(system: System, hostile: Hostile, acme: Organisation) -> IdentityProvider:
    """Give the provider of acme, which makes no accounts."""
    return known(system, hostile, organisation=acme)


@pytest.fixture
def jane(system: System, acme: Organisation) -> Account:
    """Give somebody of acme with the address that the provider speaks of."""
    account = make_account(system, Role.CUSTOMER, acme)
    with system.work() as uow:
        row = uow.session.merge(account)
        row.email = JANE
    account.email = JANE
    return account
