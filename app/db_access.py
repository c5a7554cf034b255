"""Signing in to the database: how a dead server is noticed, and a password that is no longer good."""

import hashlib
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep
from typing import Any, Final

import psycopg

from app.log import get_logger

log = get_logger(__name__)

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


_AGAIN = 1.0  # seconds after which one that was never let in asks again, while who asked it waits


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a process waits before it asks to be replaced, in seconds.

    ``lasting``: a release that brings the new password takes minutes, and meanwhile what is connected works.
    ``spread``: up to so much more, another share on each machine, so that not all go at once.
    ``failing``: of one whose every transaction is refused; it does no work that its end would stop.
    ``apart``: from a refusal to the one that confirms it. A server that starts anew may say for a moment,
    in clear to whom it has no line for, what sounds like one.
    ``remembered``: what came of a try is taken for what would come of one now.
    """

    lasting: float = 600.0
    spread: float = 300.0
    failing: float = 60.0
    apart: float = 5.0
    remembered: float = 15.0

    @property
    def whole(self) -> float:
        """``lasting`` and the share of this machine, whose processes go together."""
        share = int.from_bytes(hashlib.sha256(socket.gethostname().encode()).digest()[:4]) / 2**32
        return self.lasting + self.spread * share


def is_refusal(error: psycopg.Error) -> bool:
    """Whether the server answered, and does not let us in as who we say we are (SQLSTATE class 28)."""
    return error.sqlstate in _REFUSED or (error.sqlstate is None and bool(_WORDS.search(str(error))))


class Access:
    """What came of the tries of this process to sign in."""

    def __init__(self, patience: Patience | None = None) -> None:
        self.patience = patience or Patience()
        self._lock = threading.Lock()  # of what is below
        self._at: float | None = None  # of the last try
        self._since: float | None = None  # each try has been refused
        self._confirmed = False
        self._ever = False  # let in
        self._failing: float | None = None  # since then each transaction has been refused ...
        self._failed = 0.0  # ... the last one then
        self._trying = threading.Lock()

    @contextmanager
    def noted(self, *, work: bool = True, again: bool = False) -> Iterator[None]:
        """Sign in within this block, for ``work``, or to ask; ``again`` for a moment's second try."""
        try:
            yield
        except psycopg.Error as error:
            if is_refusal(error):
                self._note_refusal(work=work, again=again)
            else:  # one that is away takes no password either, so it cannot be said to last
                self._note_other()
            raise
        else:
            self._note_other(let_in=True)

    def _note_other(self, *, let_in: bool = False) -> None:
        with self._lock:
            if self._confirmed:
                log.info("database_refusal_over", let_in=let_in)
            self._at, self._ever = monotonic(), self._ever or let_in
            self._since, self._confirmed, self._failing = None, False, None

    def _note_refusal(self, *, work: bool, again: bool) -> None:
        now = monotonic()
        with self._lock:
            self._at = now
            if self._since is None:
                self._since = now
            if work:
                self._failing = now if self._failing is None else self._failing
                self._failed = now
            if not self._confirmed and (again or now - self._since >= self.patience.apart):
                self._confirmed = True
                self._say(now)

    def _say(self, now: float) -> None:
        left = self._since + self.patience.whole - now if self._ever and self._since is not None else 0.0
        log.error(
            "database_refuses_us",
            what="It does not take the portal's password (SQLSTATE 28P01 or 28000). What is connected works"
            " on. If that lasts, this process asks to be replaced by one that is given the new password:"
            " at the time said here, or a minute after nothing works any more.",
            at=datetime.now(UTC) + timedelta(seconds=max(0.0, left)),
        )

    def worked(self) -> None:
        """Note that a transaction found a connection that works."""
        self._failing = None

    def turned_away(self, sign_in: Callable[[], None]) -> bool:
        """Whether the last try was refused; ``sign_in`` makes one where the last is some seconds ago.

        Never two at once: while one is made, others hear of the one before.
        """
        doubtful = self._since is not None and not self._confirmed
        enough = self.patience.apart if doubtful else self.patience.remembered
        old = self._at is None or monotonic() - self._at >= enough
        if old and self._trying.acquire(blocking=False):
            try:
                self._ask(sign_in)
                if self._since is not None and not self._ever and not self._confirmed:
                    sleep(_AGAIN)  # nobody may see a new task well meanwhile, and send it work
                    self._ask(sign_in, again=True)
            finally:
                self._trying.release()
        return self._since is not None

    def _ask(self, sign_in: Callable[[], None], *, again: bool = False) -> None:
        with suppress(psycopg.Error), self.noted(work=False, again=again):
            sign_in()

    def refused(self, sign_in: Callable[[], None]) -> bool:
        """Whether that has lasted so long that another process should take the place of this one.

        At once where it was never let in: it must not take the place of one that works.
        """
        if not self.turned_away(sign_in):
            return False
        with self._lock:
            if self._since is None or not self._confirmed:
                return False
            failing = self._failing is not None and self._failed - self._failing >= self.patience.failing
            return not self._ever or failing or monotonic() - self._since >= self.patience.whole
