"""Real services for every test process: PostgreSQL, Redis, clamd and a mail sink of its own.

`database` gives a migrated database inside one transaction that is rolled back; `live` gives the
whole product in its own processes, for tests that go through the network.
"""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, NullPool, create_engine
from sqlalchemy.orm import Session

from app import create_app, log
from app.adapters.jwks import CachedKeys
from app.adapters.openid.providers import OpenIdProviders
from app.adapters.storage.filesystem import FilesystemStorage
from app.cli.dev import ROOT
from app.cli.dev.postgres import LOGIN
from app.cli.dev.services import Services
from app.db import Database
from app.ports import Adapters
from app.settings import Settings
from app.system import System
from tests.factories.uploads import open_gate
from tests.fakes import FakeFetcher, FakeMailer, FakeQueue, FakeScanner
from tests.faster import COMPILED, forked_processes, quick_passwords, rules_compiled_once
from tests.live import Live, clone_database
from tests.one_connection import OneConnection
from tests.s3servers import S3Server, moto_server, swift_server

__all__ = ["forked_processes", "quick_passwords", "rules_compiled_once"]  # for every test

TEMPLATE = "diagport_template"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="also run what is marked as long")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is long, unless it is asked for: what must hold every time has a shorter test."""
    if not config.getoption("--long"):
        long = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


@pytest.fixture(scope="session", autouse=True)
def _logs() -> None:
    """Let records pass through the product's own processors to pytest, which shows those of failed tests."""
    log.configure()
    logging.getLogger().handlers.clear()


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Give private services; whoever stops one of them starts it again."""
    with Services(tmp_path_factory.mktemp("services"), fast=True) as running:
        yield running


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Give S3 that knows nearly everything and checks nothing (tests/s3servers.py)."""
    with moto_server(tmp_path_factory.mktemp("moto")) as server:
        yield server


@pytest.fixture(scope="session")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Give S3 that enforces signatures, their expiry, and checksums."""
    with swift_server(tmp_path_factory.mktemp("swift")) as server:
        yield server


@pytest.fixture(scope="session")
def clamd_address(services: Services) -> str:
    return services.clamd_address


@pytest.fixture(scope="session")
def template(services: Services) -> str:
    """Name a database at the migrations' head, to be cloned."""
    with psycopg.connect(services.database_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE}".encode())
    config = Config(toml_file=ROOT / "pyproject.toml")
    config.attributes["url"] = services.database_url.replace("/diagport?", f"/{TEMPLATE}?")
    config.attributes["login"] = LOGIN
    command.upgrade(config, "head")
    return TEMPLATE


@pytest.fixture(scope="session")
def database_url(services: Services, template: str) -> str:
    """Name a migrated, empty database that every test leaves as it was."""
    return clone_database(services, template, "diagport_rolled_back")


@pytest.fixture(scope="session")
def engine(database_url: str) -> Iterator[Engine]:
    # A connection per test: none lies idle while other tests kill and cut what they like.
    engine = create_engine(database_url, poolclass=NullPool)
    yield engine
    engine.dispose()


@pytest.fixture
def database(engine: Engine) -> Iterator[Database]:
    """Give a Database whose commits are savepoints inside one transaction that is rolled back.

    `now()` stands still in it: a test that needs time to pass writes other times into rows.
    """
    with engine.connect() as connection:
        outer = connection.begin()
        database = OneConnection(engine)
        database.sessions.configure(bind=connection, join_transaction_mode="create_savepoint")
        yield database
        outer.rollback()
        assert database.watch.untold == []


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """Give a session on the same connection, for arranging and looking."""
    with database.sessions() as session:
        yield session


@pytest.fixture
def settings(tmp_path: Path, services: Services, database_url: str) -> Settings:
    return Settings(
        environment="development",
        secret_key="a key for tests that is long enough",
        base_url="http://localhost",
        database_url=database_url,
        redis_url=services.redis_url,
        clamd_address=services.clamd_address,
        storage_root=tmp_path / "storage",
        smtp_port=services.smtp_port,
    )


@pytest.fixture
def scanner() -> FakeScanner:
    return FakeScanner()


@pytest.fixture
def queue() -> FakeQueue:
    return FakeQueue()


@pytest.fixture
def mailer() -> FakeMailer:
    return FakeMailer()


@pytest.fixture
def fetcher() -> FakeFetcher:
    return FakeFetcher()


@pytest.fixture
def system(
    settings: Settings,
    database: Database,
    scanner: FakeScanner,
    queue: FakeQueue,
    mailer: FakeMailer,
    fetcher: FakeFetcher,
) -> System:
    """Give the product in this process: real database and storage, the rest in memory."""
    storage = FilesystemStorage(settings.storage_root)
    keys = CachedKeys(fetcher)
    adapters = Adapters(
        storage=storage,
        scanner=scanner,
        queue=queue,
        mailer=mailer,
        keys=keys,
        openid=OpenIdProviders(fetcher, keys, loopback=True),
    )
    system = System(settings=settings, adapters=adapters, database=database)
    open_gate(system)
    return system


@pytest.fixture
def app(system: System) -> Flask:
    app = create_app(system.settings, adapters=system.adapters, database=system.database)
    app.jinja_env.bytecode_cache = COMPILED
    app.testing = False  # errors are rendered, as they are for people
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="session")
def live(services: Services, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Give the whole product in its own processes, with the demo accounts. Nobody kills this one."""
    with Live(
        services, clone_database(services, template, "live"), tmp_path_factory.mktemp("live")
    ) as running:
        yield running


@pytest.fixture
def make_live(services: Services, template: str, tmp_path: Path) -> Iterator[Callable[..., Live]]:
    """Give a way to start a product of the test's own, whose processes it may kill."""
    started: list[Live] = []

    def make(**settings: str) -> Live:
        name = f"live_{tmp_path.name.lower()}_{len(started)}".replace("-", "_")[:60]
        live = Live(
            services,
            clone_database(services, template, name),
            tmp_path / name,
            settings,
            redis_db=1 + len(started),
        )
        started.append(live)
        live.start()
        return live

    yield make
    for live in started:
        live.stop()
