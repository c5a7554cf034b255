"""The portal's password at the database changes while it runs: work goes on, and tasks are replaced."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import redis
from alembic import command
from alembic.config import Config
from rq.exceptions import StopRequested
from sqlalchemy import text

from app import create_app, db_access
from app.cli.dev import ROOT
from app.cli.dev.application import Application
from app.cli.dev.services import Services
from app.database_settings import DatabaseSettings
from app.db import Database
from app.domain.errors import DependencyError
from app.domain.jobs import QueueName
from app.jobs import scheduler
from app.jobs.worker import make_worker
from app.system import System
from tests.integration.guarded import Guarded, guarded


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded(tmp_path_factory.mktemp("guarded")) as running:
        running.sql("CREATE ROLE web LOGIN NOINHERIT")
        config = Config(toml_file=ROOT / "pyproject.toml")
        config.attributes["url"] = f"postgresql+psycopg://diagport@/portal?{running.by_socket}"
        config.attributes["login"] = "web"
        command.upgrade(config, "head")
        yield running


@pytest.fixture
def old(server: Guarded) -> str:
    """Set the portal's password; return it."""
    return server.rotate()


def settings(server: Guarded, password: str, **other: str) -> DatabaseSettings:
    parts = server.parts(database_user="web", database_password=password)
    return DatabaseSettings.model_validate(parts | other)


@pytest.fixture
def portal(server: Guarded, old: str) -> Iterator[Database]:
    database = Database.connect(settings(server, old).database_url.get_secret_value(), pool_size=1)
    yield database
    database.engine.dispose()


@pytest.fixture
def time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what was seen be too long ago every time."""
    monkeypatch.setattr(db_access, "_REMEMBERED", -1.0)


def health(system: System, database: Database) -> int:
    app = create_app(system.settings, adapters=system.adapters, database=database)
    return app.test_client().get("/healthz").status_code


@pytest.mark.usefixtures("time_passes")
def test_a_web_task_works_on_and_asks_to_be_replaced(
    server: Guarded, portal: Database, system: System
) -> None:
    assert health(system, portal) == 200
    with portal.transaction() as working:
        new = server.rotate()
        assert health(system, portal) == 503
        assert working.scalar(text("SELECT 1")) == 1
    with portal.transaction() as still:
        assert still.scalar(text("SELECT 1")) == 1, "what is open goes on"
    replaced = Database.connect(settings(server, new).database_url.get_secret_value())
    assert health(system, replaced) == 200
    assert replaced.check() is None
    replaced.engine.dispose()


def test_what_the_pool_saw_last_is_enough(
    server: Guarded, portal: Database, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No connection for each time that somebody asks."""
    server.rotate()
    with pytest.raises(DependencyError, match="away"):
        portal.check()
    tries = []

    def sign_in(**_: object) -> socket.socket:
        tries.append(1)
        return socket.socket()  # to be closed

    monkeypatch.setattr(psycopg, "connect", sign_in)
    assert [health(system, portal) for _ in range(3)] == [503] * 3
    assert tries == []
    portal.renew()
    assert [health(system, portal) for _ in range(3)] == [200] * 3
    assert tries == [1]


@pytest.mark.usefixtures("time_passes")
def test_a_database_that_hangs_leaves_it_green(system: System) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        away = Database.connect(f"postgresql+psycopg://web@127.0.0.1:{silent.getsockname()[1]}/portal")
        began = time.monotonic()
        assert health(system, away) == 200
        assert time.monotonic() - began < 15


@pytest.mark.usefixtures("time_passes")
def test_other_troubles_are_no_refusal(server: Guarded, portal: Database, old: str) -> None:
    elsewhere = settings(server, old, database_name="nowhere").database_url
    assert not Database.connect(elsewhere.get_secret_value()).refused()
    for full, refused in (("CONNECTION LIMIT 0", False), ("CONNECTION LIMIT -1 NOLOGIN", True)):
        server.sql(f"ALTER ROLE web {full}".encode())
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(portal.engine.url.set(drivername="postgresql").render_as_string(False))
        assert portal.refused() is refused
    server.sql("ALTER ROLE web LOGIN")
    assert not portal.refused()


@pytest.mark.usefixtures("time_passes")
def test_the_scheduler_ends(
    server: Guarded, portal: Database, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "SCHEDULE", ())
    monkeypatch.setattr(scheduler, "_LOOK", 0.05)
    stop = threading.Event()
    running = threading.Thread(target=scheduler.run, args=(replace(system, database=portal), stop))
    running.start()
    assert not stop.wait(0.5)
    server.rotate()
    running.join(20)
    assert not running.is_alive()
    assert stop.is_set()


@pytest.mark.usefixtures("time_passes")
def test_a_worker_takes_no_further_job(
    server: Guarded, portal: Database, system: System, services: Services
) -> None:
    with redis.Redis.from_url(f"{services.redis_url}?db=8") as connection:
        worker = make_worker(replace(system, database=portal), connection, QueueName.DELIVER)
        worker.heartbeat()
        server.rotate()
        with connection.pipeline() as under_way:
            worker.heartbeat(pipeline=under_way)
        assert worker._stop_requested, "after the job that is under way"
        with pytest.raises(StopRequested):
            worker.heartbeat()
        connection.flushdb()


@pytest.mark.parametrize("role", ["deliver", "scheduler"])
def test_they_say_why_and_fail(server: Guarded, services: Services, role: str, tmp_path: Path) -> None:
    parts = server.variables(database_user="web", database_password="another")
    app = Application(services, tmp_path, settings=parts | {"DIAGPORT_DATABASE_URL": ""})
    process = app[role]
    process.start()
    assert process.popen
    assert process.popen.wait(30) == 1
    assert "The database refuses the password" in process.log.read_text()


def test_a_server_that_vanishes_is_given_up_within_seconds(portal: Database) -> None:
    """F13: without these the kernel would wait for a quarter of an hour, or for ever."""
    connection = portal.engine.raw_connection()
    own = connection.driver_connection
    assert isinstance(own, psycopg.Connection)
    with socket.socket(fileno=os.dup(own.fileno())) as wire:
        said = {
            name: wire.getsockopt(socket.IPPROTO_TCP, getattr(socket, name))
            for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT")
        }
        assert wire.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert said == {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 2, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 10_000}
    connection.close()


def test_a_server_that_has_become_a_reader_is_left(portal: Database) -> None:
    """F13: its connections stay open after a failover, and would refuse every write."""
    with portal.transaction() as session:
        session.execute(text("SET default_transaction_read_only = on"))
    with pytest.raises(DependencyError), portal.transaction() as session:
        session.execute(text("DELETE FROM counter_mark"))
    with portal.transaction() as session:
        session.execute(text("DELETE FROM counter_mark"))
