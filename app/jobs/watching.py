"""Watching for work that piles up, whatever the reason."""

from app.services import stalls, steps, sweeping
from app.services.stalls import STEP
from app.services.steps import Outcome
from app.system import System


def watch_queues(system: System) -> Outcome:
    """Tell admins of each kind of work that waits too long; ``stuck`` says since when, by kind."""
    with system.work() as uow:
        if not sweeping.lead(uow, STEP):
            return None
        known = steps.last_result(uow, STEP).get("stuck", {})
        stuck = stalls.tell(uow, known)
    return {"stuck": stuck} if stuck or known else None
