"""Signing in to the database: how a dead server is noticed, and a password that is no longer good."""

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any, Final

import psycopg

#: A server that vanished without a word is given up within seconds: libpq's keepalives while waiting for
#: its answer (10 s of silence, then three probes), tcp_user_timeout (tcp(7)) while sending to it.
NOTICES_SILENCE: Final[Mapping[str, Any]] = {
    "connect_timeout": 5,  # seconds
    "keepalives": 1,
    "keepalives_idle": 10,  # seconds
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # milliseconds
}

_REFUSED = {"28P01", "28000"}  # invalid_password; invalid_authorization_specification
# libpq keeps the SQLSTATE of a failed sign-in to itself and hands out the server's words alone; these
# are of PostgreSQL's auth.c and miscinit.c. A server that speaks another language only looks away.
_WORDS = re.compile(
    r"authentication failed for user|role \".*\" (does not exist|is not permitted to log in)|pg_hba\.conf"
)
_REMEMBERED = 15.0  # seconds that what came of a try is taken for what would come of one now


def is_refusal(error: psycopg.Error) -> bool:
    """Whether the server answered, and does not let us in as who we say we are (SQLSTATE class 28)."""
    return error.sqlstate in _REFUSED or (error.sqlstate is None and bool(_WORDS.search(str(error))))


class Access:
    """What came of the last try of this process to sign in."""

    def __init__(self) -> None:
        self._refused = False
        self._at: float | None = None
        self._trying = threading.Lock()

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Sign in within this block."""
        refused = False
        try:
            yield
        except psycopg.Error as error:
            refused = is_refusal(error)
            raise
        finally:
            self._refused, self._at = refused, monotonic()

    def refused(self, sign_in: Callable[[], None]) -> bool:
        """Whether the last try was refused; ``sign_in`` makes one where the last is some seconds ago.

        Never two at once: while one is made, others hear of the one before.
        """
        old = self._at is None or monotonic() - self._at > _REMEMBERED
        if old and self._trying.acquire(blocking=False):
            try:
                with self.noted():
                    sign_in()
            except psycopg.Error:
                pass  # noted
            finally:
                self._trying.release()
        return self._refused
