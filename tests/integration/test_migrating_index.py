"""An index that is built beside the running portal: behind a long transaction, after a broken try."""

import threading
from collections.abc import Iterator
from uuid import uuid4

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

from app.cli.dev import ROOT
from app.cli.dev.services import Services
from tests.live import clone_database, eventually

_BEFORE, _TAGGED = "0018_scanners", "0019_tagged"
_VALID = text(
    "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('ix_upload_untagged')"
    " AND pg_get_indexdef(indexrelid) LIKE '%s3%'"
)
_WHICH = text("SELECT to_regclass('ix_upload_untagged')::oid")
_BREAK = text("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_upload_untagged'::regclass")
_UNDONE = text("UPDATE alembic_version SET version_num = :before")
_WAITS = text("SELECT count(*) FROM pg_locks WHERE NOT granted")


@pytest.fixture
def own(services: Services, template: str) -> Iterator[tuple[Config, Engine]]:
    url = clone_database(services, template, f"index_{uuid4().hex}")
    config = Config(toml_file=ROOT / "pyproject.toml")
    config.attributes["url"] = url
    config.attributes["pauses"] = []
    engine = create_engine(url, poolclass=NullPool)
    command.downgrade(config, _BEFORE)
    yield config, engine
    engine.dispose()


def ask(engine: Engine, question: object) -> object:
    with engine.connect() as connection:
        return connection.scalar(question)  # type: ignore[call-overload]


def test_it_waits_for_a_dump_that_began_before_while_people_go_on(own: tuple[Config, Engine]) -> None:
    """Without a further try: whoever waits for an index keeps nobody waiting."""
    config, engine = own
    with engine.connect() as dump:
        dump.execution_options(isolation_level="REPEATABLE READ").execute(
            text("SELECT count(*) FROM organisation")
        )
        thread = threading.Thread(target=command.upgrade, args=(config, _TAGGED))
        thread.start()
        try:
            eventually(lambda: ask(engine, _VALID) is False, "an index that is being built", 10)
            eventually(lambda: ask(engine, _WAITS) == 1, "a migration that waits for the dump", 10)
            thread.join(2.5)  # longer than any other statement of a migration waits
            assert thread.is_alive()
            with engine.begin() as person:
                person.execute(text("UPDATE upload SET note = 'x'"))
        finally:
            dump.rollback()
            thread.join(30)
    assert not thread.is_alive()
    assert ask(engine, _VALID) is True


def test_what_a_broken_try_left_is_built_anew_and_what_is_good_is_kept(own: tuple[Config, Engine]) -> None:
    config, engine = own
    command.upgrade(config, _TAGGED)
    with engine.begin() as owner:
        owner.execute(_BREAK)
        owner.execute(_UNDONE, {"before": _BEFORE})
    command.upgrade(config, _TAGGED)
    assert ask(engine, _VALID) is True
    before = ask(engine, _WHICH)
    with engine.begin() as owner:
        owner.execute(_UNDONE, {"before": _BEFORE})
    command.upgrade(config, _TAGGED)
    assert ask(engine, _WHICH) == before
