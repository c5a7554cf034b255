"""A migration comes while the portal is in the middle of something: people go on, and it waits its turn."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from flask.testing import FlaskClient
from sqlalchemy import text

from app import create_app
from app.cli.dev import ROOT
from app.domain.lifecycle import UploadState
from app.system import System
from tests.factories.people import bearer, make_account, make_actor
from tests.factories.uploads import make_upload
from tests.live import eventually

_NEXT = """
from alembic import op

revision = "9999_next"
down_revision = "{before}"


def upgrade() -> None:
    op.execute("ALTER TABLE upload ADD COLUMN next integer")
"""
_WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'")
_DONE = text("SELECT count(*) FROM pg_attribute WHERE attrelid = 'upload'::regclass AND attname = 'next'")


class Release:
    """The running portal with an upload on its pages, and the migration of the next release."""

    def __init__(self, system: System, directory: Path) -> None:
        self.system = system
        make_upload(system, make_actor(system), UploadState.CLEAN)
        self._config = Config(toml_file=ROOT / "pyproject.toml")
        versions = ROOT / "migrations" / "versions"
        before = ScriptDirectory(str(ROOT / "migrations")).get_current_head()
        (directory / "9999_next.py").write_text(_NEXT.format(before=before))
        self._config.set_main_option("version_locations", f"{versions}:{directory}")
        self._config.set_main_option("path_separator", ":")
        self._config.attributes["url"] = system.settings.database_url.get_secret_value()

    def migrate(self, pauses: Sequence[float]) -> None:
        self._config.attributes["pauses"] = pauses
        command.upgrade(self._config, "head")

    def count(self, question: object) -> int:
        with self.system.database.engine.connect() as connection:
            found: int = connection.scalar(question)  # type: ignore[call-overload]
            return found


@contextmanager
def running(act: Callable[[], None]) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=act)
    thread.start()
    yield thread
    thread.join(30)
    assert not thread.is_alive()


@pytest.fixture
def release(committed: System, tmp_path: Path) -> Release:
    return Release(committed, tmp_path)


@pytest.fixture
def look(release: Release) -> Callable[[], None]:
    """Give a way to look at uploads. The portal itself gives up, with 503, on a lock after five seconds."""
    app = create_app(
        release.system.settings, adapters=release.system.adapters, database=release.system.database
    )
    client: FlaskClient = app.test_client()
    headers = bearer(release.system, make_account(release.system))

    def look() -> None:
        assert client.get("/api/v1/uploads", headers=headers).status_code == 200

    look()
    return look


def test_pages_go_on_and_it_is_done_once_the_lock_is_free(release: Release, look: Callable[[], None]) -> None:
    """F22."""
    with running(lambda: release.migrate([0.2] * 30)) as migrating:
        with release.system.database.transaction() as long:
            long.execute(text("LOCK TABLE upload IN ACCESS SHARE MODE"))
            eventually(lambda: release.count(_WAITING), "a migration that waits")
            for _ in range(10):
                look()
            eventually(lambda: release.count(_WAITING), "another try")
            assert migrating.is_alive()
            assert release.count(_DONE) == 0
        migrating.join(30)
    assert release.count(_DONE) == 1
    look()


def test_it_fails_with_words_and_leaves_everything_as_it_was(
    release: Release, look: Callable[[], None]
) -> None:
    with release.system.database.transaction() as long:
        long.execute(text("LOCK TABLE upload IN ACCESS SHARE MODE"))
        with pytest.raises(CommandError, match=r"in use: canceling statement due to lock timeout.*pg_stat"):
            release.migrate([])
        look()
    assert release.count(_DONE) == 0
    release.migrate([])
    assert release.count(_DONE) == 1


def test_only_one_migrates_at_a_time(release: Release) -> None:
    with release.system.database.engine.connect() as another:
        another.execute(text("SELECT pg_advisory_lock(hashtext('diagport migrations'))"))
        with pytest.raises(CommandError, match="in use"):
            release.migrate([])
        another.execute(text("SELECT pg_advisory_unlock_all()"))
    assert release.count(_DONE) == 0
    release.migrate([])
    assert release.count(_DONE) == 1
