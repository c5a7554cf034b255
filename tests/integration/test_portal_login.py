"""`alembic upgrade head` as a task runs it: who it signs in as, and the portal's login that it makes. F22."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from app.cli.dev import ROOT
from app.database_settings import DatabaseSettings
from app.db import Database
from app.domain.errors import DependencyError
from tests.integration.guarded import OWNER, OWNERS, Guarded, guarded

WEB = "portal web"  # a name that must be quoted


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded(tmp_path_factory.mktemp("guarded")) as running:
        yield running


def migrate(variables: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DIAGPORT_")}
    return subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        cwd=ROOT,
        env=kept | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )


def portal(server: Guarded, password: str) -> Database:
    parts = server.parts(database_user=WEB, database_password=password)
    url = DatabaseSettings.model_validate(parts).database_url
    return Database.connect(url.get_secret_value(), pool_size=1)


def test_the_login_is_made_and_given_another_password_while_it_works(server: Guarded) -> None:
    """An owner with CREATEROLE is enough, twice in a row; nobody reads the password in a log. T29."""
    as_owner = {"migration_user": OWNER, "migration_password": OWNERS, "database_user": WEB}
    first = migrate(server.variables(**as_owner, database_password="first /@:%' secret"))
    assert first.returncode == 0, first.stdout
    release = portal(server, "first /@:%' secret")
    with release.transaction() as working:
        assert release.check() is None, "it owns nothing"
        again = migrate(server.variables(**as_owner, database_password="second secret"))
        assert again.returncode == 0, again.stdout
        assert working.scalar(text("SELECT 1")) == 1
    release.engine.dispose()
    with pytest.raises(DependencyError):
        release.check()
    assert release.turned_away()
    after = portal(server, "second secret")
    assert after.check() is None
    assert not after.turned_away()
    after.engine.dispose()
    written = server.log.read_text() + first.stdout + again.stdout
    assert "ALTER ROLE" in written
    assert [secret for secret in ("first /", "second secret") if secret in written] == []


def test_an_owner_who_may_not_make_it_says_so_and_what_to_read(server: Guarded) -> None:
    server.sql("CREATE ROLE plain LOGIN PASSWORD 'plain'")
    for role in ("diagport_staff", "diagport_tenant"):
        if not server.sql("SELECT 1 FROM pg_roles WHERE rolname = %s", role):
            server.sql(f"CREATE ROLE {role}".encode())
    server.sql("CREATE DATABASE of_plain OWNER plain")
    variables = server.variables(
        migration_user="plain", migration_password="plain", database_user="x", database_password="y"
    )
    run = migrate(variables | {"DIAGPORT_DATABASE_NAME": "of_plain"})
    assert run.returncode != 0
    assert "plain could not let x in: permission denied" in run.stdout
    assert "Traceback" not in run.stdout


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, "set DIAGPORT_DATABASE_URL, or all of DIAGPORT_DATABASE_HOST"),
        ({"DIAGPORT_MIGRATION_USER": "owner"}, "set DIAGPORT_MIGRATION_PASSWORD, DIAGPORT_DATABASE_HOST"),
        ({"DIAGPORT_MIGRATION_LOCK_TIMEOUT": "0"}, "migration_lock_timeout"),
    ],
)
def test_half_of_what_is_needed_is_said_in_words(variables: dict[str, str], words: str) -> None:
    run = migrate(variables)
    assert run.returncode != 0
    assert words in run.stdout
    assert "Traceback" not in run.stdout


def test_a_wrong_password_of_the_owner_is_said_in_words(server: Guarded) -> None:
    run = migrate(server.variables(migration_user=OWNER, migration_password="wrong"))
    assert run.returncode != 0
    assert "does not let migrations in" in run.stdout
    assert "Traceback" not in run.stdout
