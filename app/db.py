"""The database: engine, sessions, and the only commit in the program."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session, sessionmaker

from app.domain.errors import DependencyError


class Database:
    """An engine with its pool. One per process; `renew` after a fork."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        # Rows are read after the commit by views and jobs, so they must not expire with it.
        self.sessions = sessionmaker(engine, expire_on_commit=False)

    @classmethod
    def connect(cls, url: str, *, pool_size: int = 10) -> "Database":
        """Make the engine; no connection is opened before the first use."""
        return cls(
            create_engine(
                url,
                pool_size=pool_size,
                max_overflow=pool_size,
                pool_timeout=5,
                pool_pre_ping=True,
                connect_args={
                    "connect_timeout": 5,
                    "options": "-c timezone=UTC -c statement_timeout=15000 -c lock_timeout=5000"
                    " -c idle_in_transaction_session_timeout=30000",
                },
            )
        )

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Give a session; commit when the block ends well, roll back otherwise.

        Raises:
            DependencyError: the database is away.
        """
        try:
            with self.sessions() as session:
                yield session
                session.commit()
        except (OperationalError, PoolTimeoutError) as error:
            raise DependencyError("The database is away. Try again in a moment.", cause=str(error)) from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise DependencyError(
                    "The database went away. Try again in a moment.", cause=str(error)
                ) from error
            raise

    def check(self) -> None:
        """Raises DependencyError when a trivial query does not come back."""
        with self.transaction() as session:
            session.execute(text("SELECT 1"))

    def renew(self) -> None:
        """Forget the connections that were inherited through fork, without closing them."""
        self.engine.dispose(close=False)
