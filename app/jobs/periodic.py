"""The steps of the scheduler. Each is safe to run twice, at once, and on several nodes."""

from collections.abc import Callable
from itertools import islice

from app.domain.jobs import JobName
from app.log import get_logger
from app.ports import Storage
from app.services import audit_chain, expiry, moving, sweeping
from app.system import System
from app.uow import UnitOfWork

log = get_logger(__name__)

_HEAP = 200  # bells
_LONG = 60  # seconds

#: A stored object younger than this may belong to a row that is about to be committed, seconds. A move
#: takes the longest to do so.
_SETTLING = 2 * moving.PATIENCE
_FEW = 20  # nameless strays that may be removed whatever their share


def ring_scans(system: System) -> None:
    """Ring for uploads that wait though no bell hangs: it was lost, or the scanner was away."""
    _ring(system, JobName.SCAN_UPLOAD, sweeping.ring_scans)


def ring_large_scans(system: System) -> None:
    """Do the same for large uploads, which have a queue of their own."""
    _ring(system, JobName.SCAN_LARGE_UPLOAD, sweeping.ring_large_scans)


def ring_rescans(system: System) -> None:
    """Do the same for second scans that were asked for."""
    _ring(system, JobName.RESCAN_UPLOAD, sweeping.ring_rescans)


def ring_outdated(system: System) -> None:
    """Let newer signatures look at what is ready, a few at a time, while the queue is empty."""
    if system.adapters.queue.waiting(JobName.RESCAN_UPLOAD):
        return
    with system.work() as uow:
        if sweeping.lead(uow, "ring_outdated") and (count := sweeping.ring_outdated(uow)):
            log.info("rang_for_outdated", count=count)


def ring_events(system: System) -> None:
    """Ring for what happened and was told to nobody though no bell hangs."""
    _ring(system, JobName.SPREAD_EVENT, sweeping.ring_events)


def ring_deliveries(system: System) -> None:
    """Ring for mails whose time has come though no bell hangs."""
    _ring(system, JobName.DELIVER, sweeping.ring_deliveries)


def _ring(system: System, job: JobName, ring: Callable[[UnitOfWork, int], int]) -> None:
    # Where bells hang, workers are on their way through them, and more would only add to the
    # heap; but what has waited this long may be none of theirs.
    hanging = system.adapters.queue.waiting(job)
    if hanging > _HEAP:
        return
    with system.work() as uow:
        if sweeping.lead(uow, f"ring {job}") and (count := ring(uow, _LONG if hanging else 0)):
            log.info("rang_again", job=job, count=count)


def abandon_stale(system: System) -> None:
    """Give up uploads that nobody goes on with, and free their bytes."""
    with system.work() as uow:
        keys = sweeping.abandon_stale(uow) if sweeping.lead(uow, "abandon_stale") else []
    for name, key in keys:
        system.adapters.store(name).delete(key)


def warn_expiring(system: System) -> None:
    """Write to those whose unfinished uploads are given up soon."""
    with system.work() as uow:
        if sweeping.lead(uow, "warn_expiring") and (count := expiry.warn(uow)):
            log.info("warned_of_expiry", count=count)


def anchor_trail(system: System) -> None:
    """Write down once a day where the trail's chain ends, in the logs: who has the database has not those."""
    with system.work() as uow:
        head = audit_chain.anchor(uow) if sweeping.lead(uow, "anchor_trail") else None
    if head:
        log.info("audit_anchored", anchor=str(head), at=head.at and head.at.isoformat())


def forget_old(system: System) -> None:
    """Delete what nobody needs to know any more of how people signed in, or tried to."""
    with system.work() as uow:
        if sweeping.lead(uow, "forget_old"):
            sweeping.forget_old(uow)


def remove_strays(system: System) -> None:
    """Remove stored bytes that no row has a use for."""
    for storage in system.adapters.stores:
        _remove_strays(system, storage)


def _remove_strays(system: System, storage: Storage) -> None:
    old = (key for key, age in storage.stored() if age > _SETTLING)
    while batch := list(islice(old, 500)):
        with system.work() as uow:
            strays = sweeping.without_row(uow, storage.name, batch)
            nameless = sweeping.unheard_of(uow, strays)
        if len(nameless) > _FEW and len(nameless) * 2 > len(batch):
            # More likely the wrong database than so many crashes: what is removed is gone.
            log.error("too_many_strays", strays=len(nameless), stored=len(batch))
            return
        for key in strays:
            log.warning("stray_removed", key=key)
            storage.delete(key)
