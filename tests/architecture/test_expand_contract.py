"""The release before goes on while a migration runs, and after: what it needs is taken away a release later.

A migration that takes something away declares `contracts = "why nothing needs it any more"`.
"""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.pool import NullPool

from app.cli.dev import ROOT
from app.cli.dev.services import Services
from tests.live import clone_database

#: The last migration from before this rule.
SINCE = "0017_told_walls"

_COLUMNS = text(
    "SELECT table_name, column_name, is_nullable = 'YES' OR column_default IS NOT NULL"
    " OR is_identity = 'YES' OR is_generated = 'ALWAYS'"
    " FROM information_schema.columns WHERE table_schema = 'public'"
)


#: (table, column) -> whether a row may be written that does not name it.
Schema = dict[tuple[str, str], bool]


def schema(connection: Connection) -> Schema:
    return {(table, name): optional for table, name, optional in connection.execute(_COLUMNS)}


def breaks(before: Schema, after: Schema) -> list[str]:
    """Name what the release before cannot read, or write, any more."""
    tables = {table for table, _ in before}
    gone = [f"{table}.{name} is gone" for table, name in before if (table, name) not in after]
    demanded = [
        f"{table}.{name} must be given"
        for (table, name), optional in after.items()
        if table in tables and not optional and before.get((table, name), True)
    ]
    return sorted(gone + demanded)


@pytest.fixture
def own(services: Services, template: str) -> Iterator[tuple[Config, Engine]]:
    url = clone_database(services, template, f"contract_{uuid4().hex}")
    config = Config(toml_file=ROOT / "pyproject.toml")
    config.attributes["url"] = url
    engine = create_engine(url, poolclass=NullPool)
    yield config, engine
    engine.dispose()


def test_no_migration_takes_away_what_the_release_before_needs(own: tuple[Config, Engine]) -> None:
    """F22: old and new tasks run side by side while a release is rolled out."""
    config, engine = own
    scripts = ScriptDirectory(str(ROOT / "migrations"))
    command.downgrade(config, SINCE)
    with engine.connect() as connection:
        before = schema(connection)
    for script in reversed(list(scripts.walk_revisions(SINCE, "head"))[:-1]):
        command.upgrade(config, script.revision)
        with engine.connect() as connection:
            after = schema(connection)
        if not getattr(script.module, "contracts", None):
            assert breaks(before, after) == [], script.revision
        before = after


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("ALTER TABLE upload ADD COLUMN x integer", []),
        ("ALTER TABLE upload ADD COLUMN x integer NOT NULL DEFAULT 0", []),
        ("CREATE TABLE x (y integer NOT NULL)", []),
        ("ALTER TABLE upload ALTER COLUMN filename DROP NOT NULL", []),
        ("ALTER TABLE upload ADD COLUMN x integer NOT NULL", ["upload.x must be given"]),
        ("ALTER TABLE upload ALTER COLUMN note SET NOT NULL", ["upload.note must be given"]),
        ("ALTER TABLE upload DROP COLUMN echoed", ["upload.echoed is gone"]),
        ("ALTER TABLE upload RENAME note TO said", ["upload.note is gone"]),
        ("DROP TABLE counter_mark", None),
        ("ALTER TABLE counter_mark RENAME TO mark", None),
    ],
)
def test_what_it_would_say(engine: Engine, statement: str, broken: list[str] | None) -> None:
    with engine.connect() as connection:
        before = schema(connection)
        connection.execute(text(statement))
        found = breaks(before, schema(connection))
        connection.rollback()
    if broken is None:
        assert found
        assert all(each.startswith("counter_mark.") and each.endswith(" is gone") for each in found)
    else:
        assert found == broken
