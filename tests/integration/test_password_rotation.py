"""The portal's password at the database changes while it runs: work goes on, and tasks are replaced."""

import socket
import time
from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest
from sqlalchemy import text

from app import create_app, db_access
from app.db import Database
from app.db_access import Patience
from app.domain.errors import DependencyError
from app.system import System
from tests.integration.guarded import Guarded
from tests.integration.rotating import QUICK, Clock, database, rotating, url_of


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with rotating(tmp_path_factory.mktemp("guarded")) as running:
        yield running


@pytest.fixture
def old(server: Guarded) -> str:
    """Set the portal's password; return it."""
    return server.rotate()


@pytest.fixture
def portal(server: Guarded, old: str) -> Iterator[Database]:
    made = database(server, old)
    yield made
    made.engine.dispose()


@pytest.fixture
def hasty(server: Guarded, old: str) -> Iterator[Database]:
    """Give a portal's database for which all that takes minutes takes a moment."""
    made = database(server, old, QUICK)
    yield made
    made.engine.dispose()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(db_access, "monotonic", clock)
    return clock


def health(system: System, database: Database) -> int:
    app = create_app(system.settings, adapters=system.adapters, database=database)
    return app.test_client().get("/healthz").status_code


def test_a_web_task_works_on_and_asks_to_be_replaced_when_it_lasts(
    server: Guarded, portal: Database, system: System, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Not at once, for then every task would go before there is one that has the new password."""
    assert health(system, portal) == 200
    with portal.transaction() as working:
        new = server.rotate()
        seen = []
        for _ in range(41):  # asked each 15 seconds for ten minutes, as a load balancer does
            clock.now += 15
            seen.append(health(system, portal))
        assert set(seen) == {200}
        (said,) = [line for line in caplog.messages if "database_refuses_us" in line]
        assert "asks to be replaced" in said
        clock.now += 300
        assert health(system, portal) == 503
        assert working.scalar(text("SELECT 1")) == 1
    with portal.transaction() as still:
        assert still.scalar(text("SELECT 1")) == 1, "what is open goes on"
    replaced = Database.connect(url_of(server, new))
    assert health(system, replaced) == 200
    assert replaced.check() is None
    replaced.engine.dispose()


def test_a_password_that_is_put_back_ends_nothing(
    server: Guarded, portal: Database, old: str, clock: Clock
) -> None:
    assert not portal.refused()
    server.rotate()
    for _ in range(30):
        clock.now += 15
        assert not portal.refused()
    assert portal.turned_away()
    server.sql(f"ALTER ROLE web PASSWORD '{old}'".encode())
    for _ in range(60):
        clock.now += 15
        assert not portal.refused()
    assert not portal.turned_away()


def test_not_all_machines_go_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of one machine do: of a task that ECS would stop whole."""
    waits = []
    for host in range(50):
        monkeypatch.setattr(socket, "gethostname", lambda host=host: f"ip-10-0-0-{host}")
        waits.append(Patience().whole)
        assert Patience().whole == waits[-1]
    assert 600 <= min(waits) < 660
    assert 840 < max(waits) <= 900


def test_one_that_can_do_nothing_any_more_is_replaced_sooner(
    server: Guarded, portal: Database, system: System, clock: Clock
) -> None:
    assert portal.check() is None
    server.rotate()

    def a_minute_with_a_try_each(seconds: float) -> list[int]:
        seen = []
        for _ in range(int(60 / seconds)):
            clock.now += seconds
            with suppress(DependencyError):
                portal.check()
            seen.append(health(system, portal))
        return seen

    assert set(a_minute_with_a_try_each(10)) == {200}, "its connection works"
    portal.engine.dispose()  # as a server does that starts anew
    assert set(a_minute_with_a_try_each(10)) == {200}
    assert a_minute_with_a_try_each(10)[0] == 503


def test_one_that_was_never_let_in_does_not_take_the_place_of_one_that_works(
    server: Guarded, system: System
) -> None:
    """Nor for one probe: a load balancer would take the others away."""
    wrong = Database.connect(url_of(server, "wrong"))
    assert health(system, wrong) == 503


@pytest.mark.parametrize("known", [True, False])
def test_what_a_server_says_once_while_it_starts_is_no_refusal(
    known: bool,
    portal: Database,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """libpq's second try, in clear, may reach a server that wants TLS, where the first reached none."""
    words = 'FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "web", database "portal", no encryption'
    ask = psycopg.connect
    assert known is False or not portal.refused()
    clock.now += 15

    def starting(**_: object) -> None:
        monkeypatch.setattr(psycopg, "connect", ask)
        raise psycopg.OperationalError(words)

    monkeypatch.setattr(psycopg, "connect", starting)
    assert not portal.refused()
    clock.now += 5
    assert not portal.refused()
    assert not portal.turned_away()
    assert [line for line in caplog.messages if "database_refuses_us" in line] == []


def test_what_the_pool_saw_last_is_enough(
    server: Guarded, portal: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No connection for each time that somebody asks."""
    server.rotate()
    for _ in range(2):
        clock.now += 5
        with pytest.raises(DependencyError, match="away"):
            portal.check()
    tries = []

    def sign_in(**_: object) -> socket.socket:
        tries.append(1)
        return socket.socket()  # to be closed

    monkeypatch.setattr(psycopg, "connect", sign_in)
    assert [portal.refused() for _ in range(3)] == [True] * 3
    assert tries == []
    portal.renew()
    assert [portal.refused() for _ in range(3)] == [False] * 3
    assert tries == [1]


def test_a_database_that_hangs_leaves_it_green(system: System) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql+psycopg://web@127.0.0.1:{silent.getsockname()[1]}/portal"
        away = Database.connect(url, patience=QUICK)
        began = time.monotonic()
        assert [health(system, away) for _ in range(2)] == [200] * 2
        assert time.monotonic() - began < 15
        assert not away.turned_away()


def test_other_troubles_are_no_refusal(server: Guarded, hasty: Database, old: str) -> None:
    elsewhere = url_of(server, old, database_name="nowhere")
    assert not Database.connect(elsewhere).turned_away()
    for full, refused in (("CONNECTION LIMIT 0", False), ("CONNECTION LIMIT -1 NOLOGIN", True)):
        server.sql(f"ALTER ROLE web {full}".encode())
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(hasty.engine.url.set(drivername="postgresql").render_as_string(False))
        assert hasty.turned_away() is refused
    server.sql("ALTER ROLE web LOGIN")
    assert not hasty.turned_away()
