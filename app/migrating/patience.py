"""Waiting for locks without making others wait.

A statement that waits for a lock on a table stops everybody who comes after it, even for reading. So it
gives up after a moment, its migration is rolled back, and tried again when those behind it have had their
turn.
"""

import re
from collections.abc import Callable, Sequence
from time import sleep
from typing import Final

from alembic.util import CommandError
from sqlalchemy.exc import OperationalError

from app.log import get_logger

log = get_logger(__name__)

#: Seconds between tries: a request of the portal ends within 30, a few of which may follow each other.
PAUSES: Final = (1.0, 2.0, 5.0, 10.0, 15.0, 15.0, 15.0, 15.0)

_LOCKED: Final = {"55P03", "40P01"}  # lock_not_available; deadlock_detected
_RELATIVE: Final = re.compile(r"[+-]\d+$")


def patiently(migrate: Callable[[], None], pauses: Sequence[float], wanted: object) -> None:
    """Run ``migrate`` until no lock is in its way; migrations that are done by then are not done again.

    ``wanted`` is the revision asked for. One that is counted from where the database is, such as -1, is
    tried once: after half of the way the same words mean another place.

    Raises:
        CommandError: something held a lock all the time. What was done before that migration is done.
    """
    left = [] if _RELATIVE.search(str(wanted)) else list(pauses)
    while True:
        try:
            return migrate()
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) not in _LOCKED:
                raise
            if not left:
                raise CommandError(
                    f"The database is in use: {str(error.orig).splitlines()[0]}. Nothing waits for this"
                    " migration any more, and nothing of it is done. Look in pg_stat_activity for who"
                    " has been in a transaction for long, then migrate again."
                ) from error
            pause = left.pop(0)
            log.warning("migration_waits", why=str(error.orig).splitlines()[0], again_in=pause)
            sleep(pause)
