"""The trail and its chain, and somebody who owns the database and means ill."""

from collections.abc import Sequence

import psycopg
from click.testing import CliRunner
from flask.cli import FlaskGroup

from app import create_app
from app.services import audit
from app.system import System


def audited(system: System, count: int) -> None:
    """Do ``count`` deeds, each in a transaction of its own."""
    for number in range(count):
        with system.work() as uow:
            audit.record(uow, "case.retitled", case=f"CS-{number}", before="Größe, 5:x,", after=None)


def tamper(system: System, *statements: str) -> None:
    """Run ``statements`` as a superuser whom no trigger and no foreign key holds up.

    ``$fourth`` and ``$last`` stand for the ids of the rows at these places of the chain.
    """
    rows = positions(system)
    known = {"$fourth": str(rows[3][1]), "$last": str(rows[-1][1])} if len(rows) > 3 else {}
    url = system.settings.database_url.get_secret_value().replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        for statement in statements:
            for name, event_id in known.items():
                statement = statement.replace(name, event_id)
            connection.execute(statement.encode())


def positions(system: System) -> Sequence[tuple[int, int, str]]:
    """Return (position, event id, hash in hex) of the whole chain."""
    url = system.settings.database_url.get_secret_value().replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT position, event_id, encode(hash, 'hex') FROM audit_chain ORDER BY position"
        ).fetchall()


def flask_audit(system: System, *arguments: str) -> tuple[int, str]:
    """Run ``flask audit ...``; return its exit code and what it said."""
    app = create_app(system.settings, adapters=system.adapters, database=system.database)
    flask = FlaskGroup(create_app=lambda: app, load_dotenv=False)
    result = CliRunner().invoke(flask, ["audit", *arguments], prog_name="flask")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output.strip()
