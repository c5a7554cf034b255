"""The steps of the scheduler about how long bundles are kept. Each is safe to run twice, and at once."""

from datetime import datetime

from app.domain.errors import StateConflictError
from app.log import get_logger
from app.services import deadlines, removal, retention, steps, sweeping
from app.services.retention import Changed, Place
from app.services.steps import Outcome
from app.system import System

log = get_logger(__name__)

_RUN = 2_000  # bundles that one run deletes; the next one is soon


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
    while True:
        with system.work() as uow:
            count = deadlines.warn(uow) if sweeping.lead(uow, "warn_deletion") else 0
        told += count
        if count < deadlines.BATCH:
            return {"warned": told} if told else None


def remove_deleted(system: System) -> Outcome:
    """Remove once more the bytes of what was deleted lately: a crash, or missing rights, may have left some.

    ``after`` in the outcome is how far that has come; where a store is away, it waits there.
    """
    with system.work() as uow:
        if not sweeping.lead(uow, "remove_deleted"):
            return None
        came_to = steps.last_result(uow, "remove_deleted").get("after")
        after = datetime.fromisoformat(came_to) if came_to else None
        gone = removal.deleted_since(uow, after, _RUN)
    removed = 0
    for upload in gone:
        if not removal.remove_bytes(system.adapters.store(upload.storage_name), upload):
            break
        removed += 1
        after = upload.deleted_at
    return {"looked at": removed, "after": after.isoformat()} if removed and after else None


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
        left += not removal.remove_bytes(system.adapters.store(gone.storage_name), gone)
    return {"deleted": deleted} | ({"bytes left": left} if left else {}) if deleted else None
