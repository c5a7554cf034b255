"""The database: engine, sessions, and the only commit in the program."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import Dialect, Engine, ExceptionContext, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DataError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session, sessionmaker

from app.db_access import NOTICES_SILENCE, Access, Patience
from app.domain.errors import BadRequestError, DependencyError

#: The database's roles. What signs in to it may do nothing until it speaks as one of them.
STAFF, TENANT = "diagport_staff", "diagport_tenant"

# Until the transaction ends: a connection goes back to the pool as nobody's.
_SPEAK_AS = text(
    "SELECT set_config('role', :role, true), set_config('diagport.organisation', :organisation, true)"
)

#: Said where migration 0008's walls hold only as long as no query breaks out of its role.
UNWALLED = "signs in as a login that owns the tables, or may do anything: see docs/operations/database.md"

_MIGHT_DO_ANYTHING = text(
    "SELECT rolsuper OR rolbypassrls OR EXISTS (SELECT FROM pg_class"
    " WHERE relname = 'audit_event' AND relkind = 'r' AND pg_has_role(session_user, relowner, 'MEMBER'))"
    " FROM pg_roles WHERE rolname = session_user"
)
_NO_SUCH_ROLE = {"22023", "42501"}  # invalid_parameter_value; insufficient_privilege


class Database:
    """An engine with its pool. One per process; `renew` after a fork."""

    def __init__(self, engine: Engine, patience: Patience | None = None) -> None:
        self.engine = engine
        self._access = Access(patience)
        # Rows are read after the commit by views and jobs, so they must not expire with it.
        self.sessions = sessionmaker(engine, expire_on_commit=False)

    @classmethod
    def connect(cls, url: str, *, pool_size: int = 10, patience: Patience | None = None) -> "Database":
        """Make the engine; no connection is opened before the first use."""
        engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=5,
            pool_pre_ping=True,
            hide_parameters=True,  # errors are logged; what people typed is not
            connect_args={
                **NOTICES_SILENCE,
                "options": "-c timezone=UTC -c statement_timeout=15000 -c lock_timeout=5000"
                " -c idle_in_transaction_session_timeout=30000"
                # one plan for every word that is searched for, or every organisation, fits none
                " -c plan_cache_mode=force_custom_plan",
            },
        )
        database = cls(engine, patience)
        event.listen(engine, "do_connect", database._connect)
        event.listen(engine, "handle_error", _leave_read_only)
        return database

    def _connect(self, dialect: Dialect, _record: object, words: Any, named: Any) -> DBAPIConnection:
        with self._access.noted():
            return dialect.connect(*words, **named)

    @contextmanager
    def transaction(self, organisation_id: UUID | None = None) -> Iterator[Session]:
        """Give a session; commit when the block ends well, roll back otherwise.

        With ``organisation_id`` the database itself shows and takes only what is that organisation's
        (row-level security, migration 0008), whatever is asked of it.

        Raises:
            DependencyError: the database is away.
            BadRequestError: it cannot hold a value, for example text with a NUL, or half a character.
        """
        try:
            with self.sessions() as session:
                self._speak_as(session, TENANT if organisation_id else STAFF, organisation_id)
                yield session
                session.commit()
        except (DataError, UnicodeEncodeError) as error:
            raise BadRequestError("A value cannot be stored as it is.", cause=str(error)) from error
        except (OperationalError, PoolTimeoutError) as error:
            raise _unavailable(error) from error
        except DBAPIError as error:
            if error.connection_invalidated or _sqlstate(error) == _READ_ONLY:
                raise _unavailable(error) from error
            raise

    def _speak_as(self, session: Session, role: str, organisation_id: UUID | None) -> None:
        """Be ``role`` until the transaction ends. Raises DependencyError: the login may not."""
        try:
            session.execute(_SPEAK_AS, {"role": role, "organisation": str(organisation_id or "")})
            self._access.worked()
        except DBAPIError as error:
            if _sqlstate(error) in _NO_SUCH_ROLE:
                raise DependencyError(
                    "The database does not know the portal yet. Try again later.", cause=str(error)
                ) from error
            raise

    def check(self) -> str | None:
        """Return what is unsafe about how the portal signs in to the database; None if nothing.

        Raises:
            DependencyError: a trivial query does not come back.
        """
        with self.transaction() as session:
            return UNWALLED if session.scalar(_MIGHT_DO_ANYTHING) else None

    def refused(self) -> bool:
        """Whether the server has refused our password for so long that this process should be replaced.

        False of one that is away. Pooled connections go on, so this asks by one of its own, at most every
        few seconds; see `app.db_access.Patience`.
        """
        return self._access.refused(self._sign_in)

    def turned_away(self) -> bool:
        """Whether the server refused our password when it was last asked: what begins now would fail."""
        return self._access.turned_away(self._sign_in)

    def _sign_in(self) -> None:
        psycopg.connect(**self._to() | _ASKING).close()

    def _to(self) -> dict[str, Any]:
        return dict(self.engine.dialect.create_connect_args(self.engine.url)[1])

    def listen(self, channel: str) -> Iterator[str]:
        """Yield what is said on ``channel`` from now on (NOTIFY), over a connection of its own.

        Raises:
            DependencyError: the connection cannot be made, or was lost; what is said until the next
                call is not heard.
        """
        try:
            with psycopg.connect(**self._to() | _LISTENING, autocommit=True) as connection:
                connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                while True:
                    for said in connection.notifies(timeout=_LISTEN_SECONDS):
                        yield said.payload
                    connection.execute("SELECT 1")  # a server that went away in silence says nothing either
        except psycopg.Error as error:
            raise _unavailable(error) from error

    def renew(self) -> None:
        """Forget the connections that were inherited through fork, without closing them."""
        self._access = Access(self._access.patience)
        self.engine.dispose(close=False)


_LISTEN_SECONDS = 30.0
_LISTENING: dict[str, Any] = {
    **NOTICES_SILENCE,
    "application_name": "diagport listening",  # for who looks at pg_stat_activity
}
_ASKING: dict[str, Any] = {"connect_timeout": 2, "application_name": "diagport asking"}

_TIMED_OUT, _READ_ONLY = "57014", "25006"  # query_canceled; read_only_sql_transaction, as in a failover


def _leave_read_only(context: ExceptionContext) -> None:
    """Take a server that has become a reader for one that is gone: the pool signs in anew elsewhere."""
    if getattr(context.original_exception, "sqlstate", None) == _READ_ONLY:
        context.is_disconnect = True


def _sqlstate(error: Exception) -> str | None:
    return getattr(getattr(error, "orig", None), "sqlstate", None)


def _unavailable(error: Exception) -> DependencyError:
    if _sqlstate(error) == _TIMED_OUT:
        return DependencyError(
            "That took the database too long. Ask for less, or try later.", cause=str(error)
        )
    return DependencyError("The database is away. Try again in a moment.", cause=str(error))
