"""Who signs in to the database: one whom it does not know, and one who may too much."""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Engine

from app.cli.dev.postgres import LOGIN, portal_url
from app.cli.dev.services import Services
from app.db import UNWALLED, Database
from app.domain.errors import DependencyError
from tests.integration.walls import portals_database


@pytest.fixture
def walled(services: Services, template: str) -> Iterator[Database]:
    with portals_database(services, template, f"login_{uuid4().hex[:8]}") as database:
        yield database


def test_a_database_that_does_not_let_the_portal_in_is_away(services: Services, walled: Database) -> None:
    """Migrated later than the portal began, or by somebody who forgot the login: 503, not 400 or 500."""
    stranger = f"stranger_{uuid4().hex[:8]}"
    with psycopg.connect(services.database_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {stranger} LOGIN".encode())
    url = walled.engine.url.render_as_string(False).replace(f"//{LOGIN}@", f"//{stranger}@")
    database = Database.connect(url)
    with pytest.raises(DependencyError, match="does not know the portal"):
        database.check()
    database.engine.dispose()
    empty = Database.connect(portal_url(services.database_url.replace("/diagport?", "/postgres?")))
    assert empty.check() is None  # roles are the server's
    empty.engine.dispose()


def test_a_login_that_might_do_anything_is_named(engine: Engine, walled: Database) -> None:
    assert walled.check() is None
    assert Database(engine).check() == UNWALLED
