"""Alembic's way in: one connection, one transaction per migration, bounded waits for locks."""

import os

from alembic import context
from sqlalchemy import create_engine, pool, text

from app.models import Base

config = context.config


def run() -> None:
    """Migrate the database of DIAGPORT_DATABASE_URL, or the connection a test hands in."""
    url = config.attributes.get("url") or os.environ["DIAGPORT_DATABASE_URL"]
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
    engine.dispose()


run()
