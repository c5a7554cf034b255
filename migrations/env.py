"""Alembic's way in: one connection, one transaction per migration, bounded waits for locks."""

import psycopg
from alembic import context
from alembic.util import CommandError
from pydantic import SecretStr, ValidationError
from sqlalchemy import Connection, Engine, create_engine, pool, text
from sqlalchemy.exc import OperationalError

from app import log
from app.migrating.login import let_in
from app.migrating.patience import PAUSES, patiently
from app.migrating.settings import MigrationSettings
from app.models import Base

config = context.config


def run() -> None:
    """Migrate as the tables' owner, then let the portal's login in: see `MigrationSettings`.

    A test hands in another "url" and "login", and shorter "pauses".
    """
    settings = _settings()
    engine = create_engine(settings.owner_url(), poolclass=pool.NullPool)
    with _connected(engine) as connection:
        connection.execute(_PATIENCE, {"wait": f"{round(settings.migration_lock_timeout * 1000)}ms"})
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            transaction_per_migration=True,
            compare_server_default=True,
        )
        wanted = context.get_context().opts.get("destination_rev")
        patiently(lambda: _migrate(connection), config.attributes.get("pauses", PAUSES), wanted)
        if settings.login:
            _let_in(connection, settings.login, settings.password)
    engine.dispose()


def _settings() -> MigrationSettings:
    """Read the environment, and log as the portal does. Raises CommandError: something is missing."""
    if url := config.attributes.get("url"):
        handed = {"migration_url": url, "database_login": config.attributes.get("login")}
        return MigrationSettings.model_validate(handed)
    log.configure()
    try:
        return MigrationSettings()
    except ValidationError as error:
        said = (" ".join([*map(str, each["loc"]), each["msg"]]) for each in error.errors())
        raise CommandError(f"The migrations' settings: {'; '.join(said)}") from None


def _connected(engine: Engine) -> Connection:
    try:
        return engine.connect()
    except OperationalError as error:
        raise CommandError(f"The database does not let migrations in: {error.orig}") from None


def _migrate(connection: Connection) -> None:
    try:
        connection.execute(_ONE_AT_A_TIME)  # until this connection ends
        connection.commit()
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.rollback()  # looking at the version begins a transaction too


def _let_in(connection: Connection, login: str, password: SecretStr | None) -> None:
    """Raises CommandError: the owner may not do that, or there is no such login."""
    own = connection.connection.driver_connection
    if not isinstance(own, psycopg.Connection):
        raise TypeError("only psycopg is spoken here")
    try:
        let_in(own, login, password)
    except psycopg.Error as error:
        raise CommandError(
            f"The tables are migrated, but {own.info.user} could not let {login} in:"
            f" {str(error).splitlines()[0]}. See docs/operations/database.md."
        ) from error


_ONE_AT_A_TIME = text("SELECT pg_advisory_lock(hashtext('diagport migrations'))")
_PATIENCE = text("SELECT set_config('lock_timeout', :wait, false)")


run()
