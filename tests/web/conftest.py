"""People of every kind, each with a token, and a browser that nobody is signed in to."""

import pytest
from flask import Flask

from app.domain.policy import Role
from app.system import System
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
