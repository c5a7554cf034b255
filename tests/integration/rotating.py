"""A portal whose password at the database changes: the server, its address, and minutes that pass at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config

from app.cli.dev import ROOT
from app.database_settings import DatabaseSettings
from app.db import Database
from app.db_access import Patience
from tests.integration.guarded import Guarded, guarded

#: What takes minutes takes a moment.
QUICK = Patience(lasting=0.3, spread=0, failing=60, apart=0, remembered=0)


@contextmanager
def rotating(directory: Path) -> Iterator[Guarded]:
    """Start a server that knows the portal's login "web"; `Guarded.rotate` gives it a password."""
    with guarded(directory) as running:
        running.sql("CREATE ROLE web LOGIN NOINHERIT")
        config = Config(toml_file=ROOT / "pyproject.toml")
        config.attributes["url"] = f"postgresql+psycopg://diagport@/portal?{running.by_socket}"
        config.attributes["login"] = "web"
        command.upgrade(config, "head")
        yield running


def url_of(server: Guarded, password: str, **other: str) -> str:
    """Return where the portal's database is, and by which password."""
    parts = server.parts(database_user="web", database_password=password)
    return DatabaseSettings.model_validate(parts | other).database_url.get_secret_value()


def database(server: Guarded, password: str, patience: Patience | None = None) -> Database:
    """Make the portal's database with one pooled connection."""
    return Database.connect(url_of(server, password), pool_size=1, patience=patience)


class Clock:
    """Time as those see it who ask for the password."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now
