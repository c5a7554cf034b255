"""How often a migration is tried that finds a lock in its way."""

import pytest
from alembic.util import CommandError
from psycopg import errors
from sqlalchemy.exc import OperationalError

from app.migrating.patience import PAUSES, patiently


class Migration:
    """Finds locks in its way, then none."""

    def __init__(self, times: int, error: Exception | None = None) -> None:
        self.times, self.tried = times, 0
        self.error = error or errors.LockNotAvailable("canceling statement due to lock timeout")

    def __call__(self) -> None:
        self.tried += 1
        if self.tried <= self.times:
            raise OperationalError("ALTER TABLE upload", None, self.error)


@pytest.mark.parametrize(
    "error", [errors.LockNotAvailable("locked"), errors.DeadlockDetected("deadlock detected")]
)
def test_it_is_tried_until_the_lock_is_free(error: Exception) -> None:
    migration = Migration(2, error)
    patiently(migration, [0, 0, 0], "head")
    assert migration.tried == 3


def test_it_is_tried_so_often_and_no_more() -> None:
    migration = Migration(99)
    with pytest.raises(CommandError, match="The database is in use: canceling statement"):
        patiently(migration, [0, 0], "0018_scanners")
    assert migration.tried == 3


@pytest.mark.parametrize("wanted", ["-1", "-2", "+1", "0017_told_walls+1"])
def test_what_is_counted_from_where_the_database_is_is_tried_once(wanted: str) -> None:
    """Half of the way down, -2 would be two further."""
    migration = Migration(1)
    with pytest.raises(CommandError):
        patiently(migration, [0, 0], wanted)
    assert migration.tried == 1


def test_other_errors_are_the_migrations_own() -> None:
    migration = Migration(1, errors.DiskFull("could not extend file"))
    with pytest.raises(OperationalError, match="could not extend"):
        patiently(migration, [0, 0], "head")
    assert migration.tried == 1


def test_a_task_is_not_kept_for_long() -> None:
    assert sum(PAUSES) < 120
