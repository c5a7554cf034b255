"""Writing on stored bundles what is known of them: at once after a scan, and whenever else it changes."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final
from uuid import UUID

from app.domain.errors import DependencyError, PortalError
from app.domain.scan_status import ScanStatus
from app.log import get_logger
from app.ports import Tags
from app.services import steps, sweeping, tagging
from app.services.steps import Outcome
from app.system import System

log = get_logger(__name__)

_BATCH: Final = 100
_SECONDS: Final = 5.0  # after which a run leaves the rest to the next; twice, and what is begun, ends in time
_FAILURES: Final = 5  # in a row, after which it does too: the store is away, or does not let us


def tag_now(system: System, upload_id: UUID) -> None:
    """Do so for one that was just scanned; if it cannot be, the scheduler does."""
    try:
        tagging.write(system.work, system.adapters, upload_id)
    except PortalError as error:
        log.warning("not_tagged", upload_id=upload_id, why=error.message, **error.context)


def known(system: System, upload_id: UUID) -> ScanStatus | None:
    """Return what is to be written now on what lies beside a bundle, if anything is."""
    return tagging.known(system.work, upload_id)


@dataclass(slots=True)
class _Tally:
    done: int = 0
    failed: set[UUID] = field(default_factory=set)
    last: UUID | None = None  # that was tried

    def outcome(self) -> Outcome:
        """Return what was done. Raises DependencyError: not all of it could be."""
        if self.failed:
            raise DependencyError(f"The tags of {len(self.failed)} bundles could not be written.")
        return {"tagged": self.done} if self.done else None


def tag_stored(system: System) -> Outcome:
    """Do so for what changed lately, the newest first, and then for what never had a tag.

    The second has its turn whatever becomes of the first, and no bundle that cannot be tagged keeps others
    waiting.

    Raises:
        DependencyError: a store is away, or does not let this process do so.
    """
    names = _tagging_stores(system)
    tally = _Tally()
    for wanted in (tagging.untagged_lately, tagging.untagged_long_ago) if names else ():
        deadline = monotonic() + _SECONDS
        while monotonic() < deadline:
            with system.work() as uow:
                if not sweeping.lead(uow, "tag_stored"):
                    break  # another node does so
                batch = wanted(uow, names, _BATCH)
            if not _tag(system, batch, deadline, tally) or len(batch) < _BATCH:
                break
    return tally.outcome()


def tag_again(system: System) -> Outcome:
    """Write a few tags again, going on where the last run ended, whatever is said to be written there.

    A worker that froze, and died just as its old word reached the store, has written over a newer one.

    Raises:
        DependencyError: a store is away, or does not let this process do so.
    """
    names = _tagging_stores(system)
    if not names:
        return None
    with system.work() as uow:
        if not sweeping.lead(uow, "tag_again"):
            return None
        after = steps.last_result(uow, "tag_again").get("after")
        batch = tagging.scanned_after(uow, names, UUID(after) if after else None, _BATCH)
    tally = _Tally()
    whole = _tag(system, batch, monotonic() + _SECONDS, tally)
    at_the_end = whole and len(batch) < _BATCH
    done = {"tagged": tally.done, "after": None if at_the_end or not tally.last else str(tally.last)}
    with system.work() as uow:  # and nothing that cannot be tagged stops it
        steps.keep(uow, "tag_again", done)
    return tally.outcome() and done


def _tagging_stores(system: System) -> list[str]:
    return [storage.name for storage in system.adapters.stores if isinstance(storage, Tags)]


def _tag(system: System, batch: Iterable[UUID], deadline: float, tally: _Tally) -> bool:
    """Do so for each; False if it was no use to go on, or there was no time left."""
    in_a_row = 0
    for upload_id in batch:
        if monotonic() > deadline:
            return False
        tally.last = upload_id
        try:
            tally.done += tagging.write(system.work, system.adapters, upload_id)
            in_a_row = 0
        except PortalError as error:
            log.warning("not_tagged", upload_id=upload_id, why=error.message, **error.context)
            tally.failed.add(upload_id)
            in_a_row += 1
            with system.work() as uow:
                tagging.put_off(uow, upload_id)
        if in_a_row == _FAILURES:
            return False
    return True
