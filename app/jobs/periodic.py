"""The steps of the scheduler. Each is safe to run twice, at once, and on several nodes."""

from collections.abc import Callable
from itertools import islice
from typing import Any

from app.domain.errors import DependencyError
from app.domain.jobs import JobName
from app.log import get_logger
from app.ports import Storage
from app.services import agreement, ahead, audit_chain, digests, expiry, steps, sweeping
from app.services.steps import Outcome
from app.system import System
from app.uow import UnitOfWork

log = get_logger(__name__)

_HEAP = 200  # bells
_LONG = 60  # seconds

_SETTLING = agreement.SETTLING
_FEW = 20  # nameless strays that may be removed whatever their share
_NAMED = 5  # strays whose keys are told


def ring_scans(system: System) -> Outcome:
    """Ring for uploads that wait though no bell hangs: it was lost, or the scanner was away."""
    return _ring(system, JobName.SCAN_UPLOAD, sweeping.ring_scans)


def ring_large_scans(system: System) -> Outcome:
    """Do the same for large uploads, which have a queue of their own."""
    return _ring(system, JobName.SCAN_LARGE_UPLOAD, sweeping.ring_large_scans)


def ring_rescans(system: System) -> Outcome:
    """Do the same for second scans that were asked for."""
    return _ring(system, JobName.RESCAN_UPLOAD, sweeping.ring_rescans)


def ring_outdated(system: System) -> Outcome:
    """Let newer signatures look at what is ready, a few at a time, while the queue is empty."""
    if system.adapters.queue.waiting(JobName.RESCAN_UPLOAD):
        return None
    count = led(system, "ring_outdated", sweeping.ring_outdated)
    if not count:
        return None
    log.info("rang_for_outdated", count=count)
    return {"rang": count}


def ring_events(system: System) -> Outcome:
    """Ring for what happened and was told to nobody though no bell hangs."""
    return _ring(system, JobName.SPREAD_EVENT, sweeping.ring_events)


def ring_deliveries(system: System) -> Outcome:
    """Ring for mails whose time has come though no bell hangs."""
    return _ring(system, JobName.DELIVER, sweeping.ring_deliveries)


def _ring(system: System, job: JobName, ring: Callable[[UnitOfWork, int], int]) -> Outcome:
    # Where bells hang, workers are on their way through them, and more would only add to the
    # heap; but what has waited this long may be none of theirs.
    hanging = system.adapters.queue.waiting(job)
    if hanging > _HEAP:
        return None
    count = led(system, f"ring {job}", lambda uow: ring(uow, _LONG if hanging else 0))
    if not count:
        return None
    log.info("rang_again", job=job, count=count)
    return {"rang": count}


def led(system: System, step: str, do: Callable[[UnitOfWork], int]) -> int:
    """Do ``do`` unless another node is at ``step``; return what it counted, 0 if it was not done."""
    with system.work() as uow:
        return do(uow) if sweeping.lead(uow, step) else 0


def abandon_stale(system: System) -> Outcome:
    """Give up uploads that nobody goes on with, and free their bytes."""
    with system.work() as uow:
        keys = sweeping.abandon_stale(uow) if sweeping.lead(uow, "abandon_stale") else []
    for name, key in keys:
        system.adapters.store(name).delete(key)
    return {"given up": len(keys)} if keys else None


def warn_expiring(system: System) -> Outcome:
    """Write to those whose unfinished uploads are given up soon."""
    count = led(system, "warn_expiring", expiry.warn)
    if not count:
        return None
    log.info("warned_of_expiry", count=count)
    return {"warned": count}


def warn_ahead(system: System) -> None:
    """Tell of tickets that expire soon, and of quotas that fill up."""
    with system.work() as uow:
        if sweeping.lead(uow, "warn_ahead"):
            ahead.warn_of_tickets(uow)
            ahead.warn_of_quotas(uow)


def send_digests(system: System) -> Outcome:
    """Put the daily mail into the outbox for everybody for whom it is time."""
    count = 0
    while made := led(system, "send_digests", digests.gather):
        count += made
    return {"mails": count} if count else None


def anchor_trail(system: System) -> Outcome:
    """Write down once a day where the trail's chain ends, in the logs: who has the database has not those."""
    with system.work() as uow:
        head = audit_chain.anchor(uow) if sweeping.lead(uow, "anchor_trail") else None
    if head is None:
        return None
    log.info("audit_anchored", anchor=str(head), at=head.at and head.at.isoformat())
    return {"anchored": str(head)}


def forget_old(system: System) -> None:
    """Delete what nobody needs to know any more of how people signed in, or tried to."""
    with system.work() as uow:
        if sweeping.lead(uow, "forget_old"):
            sweeping.forget_old(uow)


def remove_strays(system: System) -> Outcome:
    """Remove stored bytes that no row has a use for."""
    done: dict[str, Any] = {"looked at": 0, "removed": 0, "first": []}
    for storage in system.adapters.stores:
        _remove_strays(system, storage, done)
    if done.get("not allowed"):
        with system.work() as uow:
            steps.keep(uow, "remove_strays", done)
        raise DependencyError(
            f"{done['not allowed']:,} things that nobody needs any more are still stored: the store does not"
            " let the scheduler delete every version of them. Let it: docs/storage.md says what it needs."
        )
    return done


def _remove_strays(system: System, storage: Storage, done: dict[str, Any]) -> None:
    old = (key for key, age in storage.stored() if age > _SETTLING)
    while batch := list(islice(old, 500)):
        with system.work() as uow:
            strays = sweeping.without_row(uow, storage.name, batch)
            nameless = sweeping.unheard_of(uow, strays)
        done["looked at"] += len(batch)
        if len(nameless) > _FEW and len(nameless) * 2 > len(batch):
            # More likely the wrong database than so many crashes: what is removed is gone.
            log.error("too_many_strays", strays=len(nameless), stored=len(batch))
            done["left alone"] = done.get("left alone", 0) + len(nameless)
            return
        for key in strays:
            if storage.delete(key):
                log.warning("stray_removed", key=key)
                done["removed"] += 1
            else:
                done["not allowed"] = done.get("not allowed", 0) + 1
        done["first"] = [*done["first"], *strays][:_NAMED]
