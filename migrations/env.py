"""Alembic's way in: one connection, one transaction per migration, bounded waits for locks."""

import os

from alembic import context
from sqlalchemy import Connection, create_engine, pool, text

from app.models import Base

config = context.config


def run() -> None:
    """Migrate as the tables' owner: DIAGPORT_MIGRATION_URL, or the portal's own if it owns them.

    A test hands in another URL.
    """
    url = config.attributes.get("url") or os.environ.get("DIAGPORT_MIGRATION_URL")
    url = url or os.environ["DIAGPORT_DATABASE_URL"]
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        # A migration that has to wait for a lock stops everybody behind it: give up soon instead.
        connection.execute(text("SET lock_timeout = '5s'"))
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            transaction_per_migration=True,
            compare_server_default=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        _let_in(connection)
    engine.dispose()


def _let_in(connection: Connection) -> None:
    """Let DIAGPORT_DATABASE_LOGIN, which the portal signs in as, speak as the portal's roles.

    It owns nothing, and may do nothing before it says which of them it is.
    """
    login = config.attributes.get("login") or os.environ.get("DIAGPORT_DATABASE_LOGIN")
    if not login or connection.scalar(_ROLES_THERE) != 2 or connection.scalar(_IS_IN, {"login": login}):
        return  # or one who may has done it already: docs/operations/database.md
    name = connection.dialect.identifier_preparer.quote(login)
    connection.execute(text(f"ALTER ROLE {name} NOINHERIT"))
    connection.execute(text(f"GRANT diagport_staff, diagport_tenant TO {name}"))
    connection.commit()


_ROLES_THERE = text("SELECT count(*) FROM pg_roles WHERE rolname IN ('diagport_staff', 'diagport_tenant')")
_IS_IN = text(
    "SELECT NOT rolinherit AND pg_has_role(rolname, 'diagport_staff', 'MEMBER')"
    " AND pg_has_role(rolname, 'diagport_tenant', 'MEMBER') FROM pg_roles WHERE rolname = :login"
)


run()
