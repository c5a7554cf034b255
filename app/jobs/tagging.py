"""Writing on stored bundles what is known of them: at once after a scan, and whenever else it changes."""

from time import monotonic
from typing import Final
from uuid import UUID

from app.domain.errors import DependencyError, PortalError
from app.log import get_logger
from app.ports import Tags
from app.services import sweeping, tagging
from app.services.steps import Outcome
from app.system import System

log = get_logger(__name__)

_BATCH: Final = 100
_SECONDS: Final = 60.0  # after which a run leaves the rest to the next
_FAILURES: Final = 5  # after which it does too: the store is away, or does not let us


def tag_now(system: System, upload_id: UUID) -> None:
    """Do so for one that was just scanned; if it cannot be, the scheduler does."""
    try:
        tagging.write(system.work, system.adapters, upload_id)
    except PortalError as error:
        log.warning("not_tagged", upload_id=upload_id, why=error.message, **error.context)


def tag_stored(system: System) -> Outcome:
    """Do so for what was released, moved, or left by a worker that died.

    Raises:
        DependencyError: a store is away, or does not let this process do so.
    """
    names = [storage.name for storage in system.adapters.stores if isinstance(storage, Tags)]
    if not names:
        return None
    deadline = monotonic() + _SECONDS
    done, failed, after = 0, 0, None
    while monotonic() < deadline:
        with system.work() as uow:
            if not sweeping.lead(uow, "tag_stored"):
                break  # another node does so
            batch = tagging.untagged(uow, names, after, _BATCH)
        if not batch:
            break
        for upload_id in batch:
            try:
                done += tagging.write(system.work, system.adapters, upload_id)
            except DependencyError as error:
                failed += 1
                log.warning("not_tagged", upload_id=upload_id, why=error.message, **error.context)
                if failed == _FAILURES:
                    raise
        after = batch[-1]
    if failed:
        raise DependencyError(f"The tags of {failed} bundles could not be written.")
    return {"tagged": done} if done else None
