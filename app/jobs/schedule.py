"""What runs again and again, as data. Why not RQ's scheduler: docs/adr/0019-own-scheduler.md."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from app.jobs import (
    agreeing,
    gatekeeping,
    keeping,
    measuring,
    periodic,
    recheck,
    reconciling,
    tagging,
    watching,
)
from app.services.steps import Outcome
from app.settings import Settings
from app.system import System


@dataclass(frozen=True, slots=True)
class Periodic:
    """``every`` seconds, counted from the end of the last run.

    What the step returns, and how it fails, is on the health page (`recording`). ``only_with`` names the
    setting without which there is nothing to do here.
    """

    step: Callable[[System], Outcome]
    every: float
    only_with: str | None = None

    @property
    def name(self) -> str:
        return self.step.__name__

    def runs_with(self, settings: Settings) -> bool:
        """Whether a scheduler of these settings runs it."""
        return self.only_with is None or bool(getattr(settings, self.only_with))


#: What needs a scanner. A scheduler that has none leaves it to `python worker.py gate`, beside each scanner.
GATE: Final = Periodic(gatekeeping.tend_gate, every=5, only_with="clamd_address")

SCHEDULE: Final = (
    Periodic(periodic.ring_scans, every=2),
    Periodic(periodic.ring_large_scans, every=2),
    Periodic(periodic.ring_rescans, every=2),
    Periodic(periodic.ring_outdated, every=2),
    Periodic(periodic.ring_events, every=2),
    Periodic(periodic.ring_deliveries, every=2),
    GATE,
    Periodic(tagging.tag_stored, every=2),
    Periodic(tagging.tag_again, every=600),
    Periodic(reconciling.take_upload_events, every=5, only_with="upload_events_queue"),
    Periodic(watching.watch_queues, every=30),
    Periodic(periodic.abandon_stale, every=60),
    Periodic(periodic.warn_expiring, every=600),
    Periodic(periodic.warn_ahead, every=60),
    Periodic(periodic.send_digests, every=30),
    Periodic(keeping.write_dates, every=5),
    Periodic(keeping.warn_deletion, every=300),
    Periodic(keeping.delete_due, every=60),
    Periodic(keeping.scrub_deleted, every=60),
    Periodic(keeping.remove_deleted, every=60),
    Periodic(periodic.anchor_trail, every=600),
    Periodic(periodic.forget_old, every=600),
    Periodic(periodic.remove_strays, every=600),
    Periodic(agreeing.prove_storage, every=600),
    Periodic(recheck.recheck_stored, every=600),
    Periodic(measuring.add_up_counters, every=60),
    Periodic(measuring.print_metrics, every=15),
)
