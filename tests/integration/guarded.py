"""A PostgreSQL that asks for passwords, over TCP, and whose owner of tables is no superuser: as on RDS."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString
from uuid import uuid4

import psycopg

from app.cli.dev.ports import free_port
from app.cli.dev.postgres import NAME, postgres

OWNER, OWNERS = "owner", "the owner's /@: password"  # who migrates, and by which password
HBA = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"


class Guarded:
    """The server. It logs every statement, as some do."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self._sockets = directory / "s"
        self.log = directory / "log"
        self.process = postgres(directory / "data", self._sockets, self.log, fast=True)
        there = ("listen_addresses=127.0.0.1", f"port={self.port}", "log_statement=all")
        self.process.argv = [*self.process.argv, *(part for each in there for part in ("-c", each))]
        make = self.process.prepare

        def prepare() -> None:
            make()
            for hba in (directory / "data").glob("*/pg_hba.conf"):
                hba.write_text(HBA)

        self.process.prepare, self.process.ready = prepare, self._answers

    def _answers(self) -> bool:
        try:
            return bool(self.sql("SELECT 1"))
        except psycopg.OperationalError:
            return False

    @property
    def by_socket(self) -> str:
        """Where the superuser gets in without a password: query arguments of an address."""
        return f"host={self._sockets}&port={self.port}"

    def rotate(self) -> str:
        """Give the login "web" another password; return it."""
        password = uuid4().hex
        self.sql(f"ALTER ROLE web PASSWORD '{password}'".encode())
        return password

    def sql(self, statement: LiteralString | bytes, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement as the superuser; return its rows."""
        with psycopg.connect(
            host=str(self._sockets), port=self.port, user=NAME, dbname="postgres", autocommit=True
        ) as connection:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def parts(self, **more: str) -> dict[str, str]:
        """Say where the portal's database is, as settings do."""
        there = {"database_host": "127.0.0.1", "database_port": str(self.port), "database_name": "portal"}
        return there | more

    def variables(self, **more: str) -> dict[str, str]:
        """Say it as the environment does."""
        return {f"DIAGPORT_{name.upper()}": value for name, value in self.parts(**more).items()}


@contextmanager
def guarded(directory: Path) -> Iterator[Guarded]:
    """Start a server with an empty database, and the login that owns it."""
    server = Guarded(directory)
    server.process.start()
    try:
        server.process.wait_ready()
        server.sql("CREATE ROLE owner LOGIN CREATEROLE PASSWORD 'the owner''s /@: password'")
        server.sql("CREATE DATABASE portal OWNER owner")
        yield server
    finally:
        server.process.kill()
