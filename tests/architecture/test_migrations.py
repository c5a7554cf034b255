"""T41: models equal the head of the migrations; each migration goes up, down and up over data."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import ProgrammingError

from app.cli.dev import ROOT
from app.cli.dev.services import Services
from app.db import Database
from app.domain.lifecycle import UploadState
from app.domain.policy import Role
from app.models import Base, Case, Organisation, Upload
from app.services import counters, engine, gate, sign_in
from app.system import System
from tests.factories.people import bearer, make_account, make_actor
from tests.factories.signing_in import make_everything_of
from tests.factories.tickets import issue_ticket
from tests.factories.told import make_everything_told
from tests.factories.uploads import ENGINE, make_upload
from tests.live import clone_database

REVISIONS = [script.revision for script in ScriptDirectory(str(ROOT / "migrations")).walk_revisions()]


@pytest.fixture
def database_of_its_own(services: Services, template: str) -> Iterator[tuple[Config, Database]]:
    url = clone_database(services, template, f"migrations_{uuid4().hex}")
    config = Config(toml_file=ROOT / "pyproject.toml")
    config.attributes["url"] = url
    database = Database.connect(url)
    yield config, database
    database.engine.dispose()


def rows(database: Database) -> dict[str, int]:
    """Count the rows of every table of the models."""
    with database.transaction() as session:
        return {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
        }


def fill(system: System) -> None:
    """Put something into every table, through the services."""
    account = make_account(system, Role.ENGINEER)  # hears of clean bundles: a delivery
    make_everything_of(system, account)
    bearer(system, account)
    issue_ticket(system)
    with system.work() as uow:
        sign_in.begin(uow, account, user_agent="test")
        engine.report(uow, ENGINE)
        gate.report(uow, [], "test", None)
        counters.add_up(uow)
    sender = make_actor(system)
    for state in UploadState:
        upload = make_upload(system, sender, state)
    make_everything_told(system, account, upload)


def test_the_models_are_what_the_migrations_make(database_of_its_own: tuple[Config, Database]) -> None:
    command.check(database_of_its_own[0])


def test_there_is_one_line_of_migrations() -> None:
    assert len(ScriptDirectory(str(ROOT / "migrations")).get_heads()) == 1
    names = sorted(path.stem for path in (ROOT / "migrations" / "versions").glob("*.py"))
    assert names == REVISIONS[::-1]


@pytest.mark.parametrize("revision", REVISIONS)
def test_the_migration_goes_down_and_up_over_data(
    revision: str, database_of_its_own: tuple[Config, Database], system: System, tmp_path: Path
) -> None:
    config, database = database_of_its_own
    fill(replace(system, database=database))
    before = rows(database)
    assert min(before.values()) > 0, before
    database.engine.dispose()  # locks of idle connections would hold the migration up

    command.downgrade(config, revision)
    kept = _tables(database)
    command.downgrade(config, "-1")
    below = _tables(database)
    command.upgrade(config, "head")
    after = rows(database)

    assert below <= kept
    # Releases before have no words for newer events, and 0013 keeps nothing that tells of what was deleted.
    kept_tables = below - ({"delivery"} if revision <= "0013_kept_filled" else set())
    if revision == "0015_counting":
        kept_tables -= {"counter", "counter_mark"}  # uploads are counted anew
    assert {table: after[table] for table in kept_tables} == {table: before[table] for table in kept_tables}
    command.check(config)


def test_what_the_older_release_sends_meanwhile_has_a_case_and_is_counted_later(
    database_of_its_own: tuple[Config, Database], system: System
) -> None:
    """F22: old and new code run together on the new schema."""
    config, database = database_of_its_own
    own = replace(system, database=database)
    old = make_upload(own, make_actor(own), UploadState.CLEAN)
    with database.transaction() as session:
        session.execute(update(Organisation).values(used_bytes=0, used_uploads=0))
        session.execute(update(Upload).values(held_bytes=None, case_reference="CS-NEW"))
    database.engine.dispose()
    command.downgrade(config, "0004_ways_in")
    command.upgrade(config, "head")
    with database.transaction() as session:
        assert session.scalars(select(Case.reference)).all() == ["CS-NEW"]
        held = session.get_one(Upload, old.id)
        assert held.size == held.held_bytes == held.organisation.used_bytes
        assert held.organisation.used_uploads == 1


_OF_BEFORE = """
INSERT INTO upload (id, organisation_id, uploader_id, door, filename, state, storage_name, storage_key,
    received_bytes, partial, first_downloaded_at, active_at)
SELECT ('00000000-0000-4000-8000-' || lpad(number::text, 12, '0'))::uuid, organisation_id, uploader_id, door,
    'named.tgz', CASE number % 3 WHEN 0 THEN 'deleted' WHEN 1 THEN 'abandoned' ELSE 'integrity_failed' END,
    storage_name, 'key/' || number, 0, number % 3 = 1, now() - interval '9 days', now() - interval '5 days'
FROM upload, generate_series(1, 2100) AS number WHERE id = :id
"""
_REFUSE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not this one'; END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON upload FOR EACH ROW WHEN (OLD.storage_key = 'key/2100')
EXECUTE FUNCTION refuse()
"""
_DONE = """
SELECT count(*) FILTER (WHERE filename = 'Deleted bundle' AND deleted_at = active_at),
    count(*) FILTER (WHERE filename = 'named.tgz' AND deleted_at IS NULL),
    count(*) FILTER (WHERE last_downloaded_at = first_downloaded_at)
FROM upload WHERE storage_key LIKE 'key/%'
"""


def test_0013_rewrites_a_few_rows_at_a_time_and_goes_on_after_a_break(
    database_of_its_own: tuple[Config, Database], system: System
) -> None:
    """The app waits five seconds for a row: no statement, and no transaction, has all of them locked."""
    config, database = database_of_its_own
    own = replace(system, database=database)
    upload = make_upload(own, make_actor(own), UploadState.CLEAN)
    database.engine.dispose()
    command.downgrade(config, "0012_kept")
    with database.engine.begin() as connection:
        connection.execute(text(_OF_BEFORE), {"id": upload.id})
        connection.execute(text(_REFUSE))
    database.engine.dispose()
    with pytest.raises(ProgrammingError, match="not this one"):
        command.upgrade(config, "head")
    with database.engine.begin() as connection:
        assert connection.execute(text(_DONE)).one() == (1333, 767, 2000)
        connection.execute(text("DROP FUNCTION refuse CASCADE"))
    database.engine.dispose()
    command.upgrade(config, "head")
    with database.transaction() as session:
        assert session.execute(text(_DONE)).one() == (1400, 700, 2100)
        assert session.get_one(Upload, upload.id).filename == "bundle.tgz"


def _tables(database: Database) -> set[str]:
    """Return which of the models' tables there are."""
    with database.engine.connect() as connection:
        there = set(connection.dialect.get_table_names(connection))
    return there & set(Base.metadata.tables)
