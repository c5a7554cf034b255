"""A private PostgreSQL: no TCP, one superuser, trusted because only its owner may enter its directories."""

import signal
from pathlib import Path
from urllib.parse import quote

import psycopg

from app.cli.dev.account import account, private
from app.cli.dev.process import Process, ProcessFailedError

NAME = "diagport"  # of the database, and of the role that owns what is in it
LOGIN = "diagport_web"  # the portal's own; owns nothing (migrations/env.py)
# Commits still reach the kernel, so what was committed survives a crash of the server.
FAST = ("fsync=off", "full_page_writes=off")


def postgres(directory: Path, sockets: Path, log: Path, *, fast: bool) -> Process:
    """Describe a server with its data below `directory`; `fast` gives up safety against power cuts.

    Raises:
        ProcessFailedError: PostgreSQL is not installed.
    """
    programs = _programs()
    data = directory / f"postgres-{programs.parent.name}"  # another major version cannot read it
    owner = account("postgres", directory)

    def prepare() -> None:
        private(sockets, owner)
        if (data / "PG_VERSION").exists():
            return
        private(data, owner)
        options = ["--username", NAME, "--auth-local", "trust", "--auth-host", "reject"]
        options += ["--encoding", "UTF8", "--locale", "C.UTF-8", *(["--no-sync"] if fast else [])]
        # An aborted initdb cleans up after itself, and PG_VERSION is there only in a whole cluster.
        initdb = Process("initdb", [programs / "initdb", "-D", data, *options], log, account=owner)
        initdb.start()
        initdb.finish()

    settings = ["listen_addresses=", f"unix_socket_directories={sockets}", "max_connections=200"]
    settings += FAST if fast else ()
    return Process(
        "postgres",
        [programs / "postgres", "-D", data, *(part for setting in settings for part in ("-c", setting))],
        log,
        ready=lambda: _answers(sockets),
        account=owner,
        stop_signal=signal.SIGINT,  # "fast": SIGTERM would wait for every client to leave
        death_signal=signal.SIGINT,
        prepare=prepare,
    )


def _programs() -> Path:
    """Find the newest installed version; Debian keeps it off the PATH."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    if not found:
        raise ProcessFailedError("PostgreSQL is not installed.")
    return max(found, key=lambda path: float(path.parent.name))


def _answers(sockets: Path) -> bool:
    """Say whether the server answers and has our database, which is made when it is missing."""
    try:
        with psycopg.connect(host=str(sockets), user=NAME, dbname="postgres", autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (NAME,)).fetchone():
                connection.execute(f"CREATE DATABASE {NAME}")
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (LOGIN,)).fetchone():
                connection.execute(f"CREATE ROLE {LOGIN} LOGIN NOINHERIT")
    except psycopg.OperationalError:
        return False
    return True


def database_url(sockets: Path) -> str:
    """Return SQLAlchemy's address of the database, for its owner."""
    return f"postgresql+psycopg://{NAME}@/{NAME}?host={quote(str(sockets), safe='/')}"


def portal_url(owner_url: str) -> str:
    """Return the address by which the portal reaches the database that its owner reaches by ``owner_url``."""
    return owner_url.replace(f"//{NAME}@", f"//{LOGIN}@", 1)
