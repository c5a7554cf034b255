"""Where the database is and who signs in to it: one address or its parts, and never a bit of both. T29."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import make_url

from app.database_settings import DatabaseSettings
from app.migrating.settings import MigrationSettings
from app.settings import Settings
from tests.unit.test_settings import GOOD

URL = "postgresql+psycopg://app:db-secret@db/app"
PARTS = {"database_host": "db", "database_name": "app", "database_user": "web", "database_password": "s"}
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


def url_of(**given: str) -> str:
    return DatabaseSettings.model_validate(given).database_url.get_secret_value()


@given(user=TEXTS, password=TEXTS, name=TEXTS, port=st.integers(1, 65535))
def test_the_parts_make_an_address_that_says_just_them(
    user: str, password: str, name: str, port: int
) -> None:
    made = make_url(
        url_of(
            **PARTS | {"database_user": user, "database_password": password, "database_name": name},
            database_port=str(port),
        )
    )
    assert (made.drivername, made.host, made.port) == ("postgresql+psycopg", "db", port)
    assert (made.username, made.password, made.database) == (user, password, name)
    assert not made.query


def test_a_root_certificate_makes_the_server_prove_its_name(tmp_path: Path) -> None:
    root = tmp_path / "a root.pem"
    root.touch()
    made = make_url(url_of(**PARTS, database_sslrootcert=str(root)))
    assert made.query == {"sslmode": "verify-full", "sslrootcert": str(root)}
    with pytest.raises(ValidationError, match="database_sslrootcert"):
        url_of(**PARTS, database_sslrootcert=str(tmp_path / "absent.pem"))


def test_what_is_set_to_nothing_is_not_set() -> None:
    blank = {"database_host": "", "database_password": "", "database_sslrootcert": ""}
    assert url_of(database_url=URL, **blank) == URL
    assert url_of(database_url="", **PARTS).startswith("postgresql+psycopg://web:s@db:5432/app")


@pytest.mark.parametrize("missing", PARTS)
def test_half_an_address_names_the_other_half(missing: str) -> None:
    with pytest.raises(ValidationError, match=f"set DIAGPORT_{missing.upper()} too"):
        url_of(**{name: value for name, value in PARTS.items() if name != missing})


def test_neither_and_both_are_refused() -> None:
    with pytest.raises(ValidationError, match="set DIAGPORT_DATABASE_URL, or all of DIAGPORT_DATABASE_HOST"):
        url_of()
    with pytest.raises(ValidationError, match="says it all: leave out DIAGPORT_DATABASE_PASSWORD"):
        url_of(database_url=URL, database_password="s")


def test_the_portal_reads_them_from_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (GOOD | PARTS).items():
        monkeypatch.setenv(f"DIAGPORT_{name.upper()}", value)
    monkeypatch.delenv("DIAGPORT_DATABASE_URL")
    read = Settings()
    assert read.database_url.get_secret_value() == "postgresql+psycopg://web:s@db:5432/app"
    assert "s@db" not in repr(read)


OWNER = {"migration_user": "owner", "migration_password": "o"}
OWNERS = "postgresql+psycopg://owner:o@db:5432/app"


@pytest.mark.parametrize(
    ("said", "owner", "login", "password"),
    [
        (PARTS | OWNER, OWNERS, "web", "s"),
        (PARTS | {"migration_url": URL}, URL, "web", "s"),
        ({"migration_url": URL, "database_login": "web"}, URL, "web", None),
        ({"migration_url": URL, "database_url": "any"}, URL, None, None),
        ({"database_url": URL}, URL, None, None),
        ({"database_url": URL, "database_login": "web"}, URL, "web", None),
        (PARTS, "postgresql+psycopg://web:s@db:5432/app", None, None),
    ],
)
def test_who_migrates_and_whom_they_let_in(
    said: dict[str, str], owner: str, login: str | None, password: str | None
) -> None:
    read = MigrationSettings.model_validate(said)
    assert read.owner_url() == owner
    assert read.login == login
    assert (read.password and read.password.get_secret_value()) == password


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (OWNER, "set DIAGPORT_DATABASE_HOST, DIAGPORT_DATABASE_NAME too"),
        (PARTS | {"migration_user": "owner"}, "set DIAGPORT_MIGRATION_PASSWORD too"),
        ({"migration_url": URL, **OWNER}, "DIAGPORT_MIGRATION_URL says it all"),
        ({"migration_url": URL, "migration_lock_timeout": -1}, "greater than 0"),
        ({}, "set DIAGPORT_DATABASE_URL"),
    ],
)
def test_migrations_do_not_guess_who_they_are(said: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        MigrationSettings.model_validate(said)
