"""What runs again and again, as data."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from app.jobs import periodic
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
    Periodic(periodic.ring_deliveries, every=2),
    Periodic(periodic.ask_engine, every=15),
    Periodic(periodic.tend_gate, every=600),
    Periodic(periodic.abandon_stale, every=60),
    Periodic(periodic.remove_strays, every=600),
)
