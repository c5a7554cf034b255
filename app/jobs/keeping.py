"""The steps of the scheduler about how long bundles are kept. Each is safe to run twice, and at once."""

from datetime import datetime
from typing import Any
from uuid import UUID

from app.domain.errors import DependencyError, StateConflictError
from app.jobs.periodic import led
from app.log import get_logger
from app.services import deadlines, removal, retention, steps, sweeping
from app.services.retention import Changed, Place
from app.services.steps import Outcome
from app.system import System

log = get_logger(__name__)

_RUN = 2_000  # bundles that one run deletes; the next one is soon
_LEFT = 20  # whose bytes a store did not remove; then it is away, most likely


def write_dates(system: System) -> Outcome:
    """Write the dates anew that a policy, a hold on a case, or its end has changed."""
    with system.work() as uow:
        waiting = retention.changed(uow)
    count = sum(_write_dates_of(system, each) for each in waiting)
    return {"rewritten": count} if count else None


def _write_dates_of(system: System, each: Changed) -> int:
    """Go through all bundles, a few thousand at a time, each in a transaction of its own."""
    place: Place | None = None
    total = 0
    while True:
        with system.work() as uow:
            if not sweeping.lead(uow, "write_dates"):
                return total  # another node does so
            count, place = retention.rewrite(uow, each, place)
            if place is None and each.last:
                retention.settle(uow, each)
        total += count
        if place is None:
            return total


def warn_deletion(system: System) -> Outcome:
    """Tell of bundles that are deleted soon."""
    told = 0
    place: tuple[datetime, UUID] | None = None
    while True:
        with system.work() as uow:
            if not sweeping.lead(uow, "warn_deletion"):
                break  # another node does so
            batch = deadlines.warn(uow, place)
        told += batch.count
        place = batch.last
        if place is None:
            break
    return {"warned": told} if told else None


def scrub_deleted(system: System) -> Outcome:
    """Make tombstones of what the release before deletes while both run."""
    count = led(system, "scrub_deleted", lambda uow: removal.scrub(uow, _RUN))
    return {"scrubbed": count} if count else None


def remove_deleted(system: System) -> Outcome:
    """Remove once more the bytes of what was deleted lately: a crash, or missing rights, may have left some.

    The outcome has for each store how far that has come, and which bundles' bytes are left; they are tried
    again with every run.

    Raises:
        DependencyError: some are still there.
    """
    with system.work() as uow:
        if not sweeping.lead(uow, "remove_deleted"):
            return None
        before = steps.last_result(uow, "remove_deleted").get("stores", {})
        lately = removal.stores_of_deleted(uow)
    there = {storage.name for storage in system.adapters.stores}
    done: dict[str, Any] = {"looked at": 0, "stores": dict(before)}
    for name in sorted(there & {*before, *lately}):
        count, done["stores"][name] = _remove_deleted_of(system, name, before.get(name, {}))
        done["looked at"] += count
    trouble = [
        f"{len(each['left']):,} deleted bundles are not wholly removed from {name}: it is away, or does not"
        " let the scheduler delete every version. They are tried again every minute."
        for name, each in done["stores"].items()
        if each["left"] and name in there
    ]
    trouble += [
        f"Bundles that were deleted within a day lay in {name}, which is not set up here:"
        " nothing is removed there."
        for name in sorted({*lately} - there)
    ]
    if trouble:
        with system.work() as uow:
            steps.keep(uow, "remove_deleted", done)
        raise DependencyError(" ".join(trouble))
    return done if done["looked at"] else None


def _remove_deleted_of(system: System, name: str, before: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Go on in one store; return of how many bundles nothing is left, and where that has come to."""
    after = datetime.fromisoformat(before["after"]) if before.get("after") else None
    again = {UUID(each) for each in before.get("left", ())}
    with system.work() as uow:
        gone = removal.deleted_since(uow, name, after, _RUN, again)
    left: list[str] = []
    count = 0
    for upload in gone:
        count += 1
        if not removal.remove_bytes(system.adapters.store(name), upload):
            left.append(str(upload.id))
        if upload.id not in again:
            after = upload.deleted_at
        if len(left) >= _LEFT:
            break  # the store is away, most likely: wait there
    return count - len(left), {"after": after and after.isoformat(), "left": left}


def delete_due(system: System) -> Outcome:
    """Delete what was kept for as long as was agreed."""
    with system.work() as uow:
        found = deadlines.due(uow, _RUN)
    deleted = left = 0
    for upload_id in found:
        try:
            with system.work() as uow:
                if not sweeping.lead(uow, "delete_due"):
                    break  # another node does so
                gone = deadlines.delete(uow, upload_id)
        except StateConflictError as error:  # held, or deleted, just now
            log.info("not_deleted", upload_id=upload_id, why=error.message)
            continue
        if gone is None:
            continue
        deleted += 1
        log.info("deleted_as_agreed", upload_id=upload_id)
        left += not removal.remove_from(system.adapters, gone)
    return {"deleted": deleted} | ({"bytes left": left} if left else {}) if deleted else None
