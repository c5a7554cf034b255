"""A database that vanishes, or becomes a reader, is left within seconds: F10."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from app.db import Database
from app.domain.errors import DependencyError
from tests.integration.rotating import database, rotating


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Database]:
    with rotating(tmp_path) as server:
        made = database(server, server.rotate())
        yield made
        made.engine.dispose()


def test_a_server_that_vanishes_is_given_up_within_seconds(portal: Database) -> None:
    """F10: without these the kernel would wait for a quarter of an hour, or for ever."""
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
    """F10: its connections stay open after a failover, and would refuse every write."""
    with portal.transaction() as session:
        session.execute(text("SET default_transaction_read_only = on"))
    with pytest.raises(DependencyError), portal.transaction() as session:
        session.execute(text("DELETE FROM counter_mark"))
    with portal.transaction() as session:
        session.execute(text("DELETE FROM counter_mark"))
