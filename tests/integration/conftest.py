"""What the integration tests share: a product whose commits are commits."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest
import structlog
from pydantic import SecretStr

from app import log as logs
from app.cli.dev.services import Services
from app.db import Database
from app.domain.policy import Actor
from app.settings import Settings
from app.system import System
from tests.factories.people import make_actor
from tests.factories.uploads import open_gate
from tests.live import clone_database

_number = count(1)


@pytest.fixture
def committed(system: System, settings: Settings, services: Services, template: str) -> Iterator[System]:
    """Give `system` a database of its own, where threads see what others committed and time passes."""
    url = clone_database(services, template, f"committed_{next(_number)}")
    database = Database.connect(url)
    own_settings = settings.model_copy(update={"database_url": SecretStr(url)})
    own = replace(system, database=database, settings=own_settings)
    open_gate(own)
    yield own
    database.engine.dispose()


@pytest.fixture
def restored() -> Iterator[None]:
    """Log as pytest does again, after a test that has logged as the product does."""
    root = logging.getLogger()
    handlers, level, known = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**known)
    logs.unbind_all()


@pytest.fixture
def sender(system: System) -> Actor:
    """Give a customer of `system`."""
    return make_actor(system)
