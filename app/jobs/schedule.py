"""What runs again and again, as data."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from app.jobs import gatekeeping, periodic, recheck
from app.system import System


@dataclass(frozen=True, slots=True)
class Periodic:
    """``every`` seconds, counted from the end of the last run."""

    step: Callable[[System], None]
    every: float

    @property
    def name(self) -> str:
        return self.step.__name__


SCHEDULE: Final = (
    Periodic(periodic.ring_scans, every=2),
    Periodic(periodic.ring_large_scans, every=2),
    Periodic(periodic.ring_rescans, every=2),
    Periodic(periodic.ring_outdated, every=2),
    Periodic(periodic.ring_events, every=2),
    Periodic(periodic.ring_deliveries, every=2),
    Periodic(gatekeeping.tend_gate, every=5),
    Periodic(periodic.abandon_stale, every=60),
    Periodic(periodic.warn_expiring, every=600),
    Periodic(periodic.anchor_trail, every=600),
    Periodic(periodic.forget_old, every=600),
    Periodic(periodic.remove_strays, every=600),
    Periodic(recheck.recheck_stored, every=600),
)
