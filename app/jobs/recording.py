"""Writing down what a step of the scheduler came to: seldom, and never at the step's expense."""

from collections.abc import Collection
from time import monotonic

from app.jobs.schedule import Periodic
from app.log import get_logger
from app.services import steps
from app.services.steps import Outcome, Run
from app.system import System

log = get_logger(__name__)

#: Seconds between two rows about a step that has nothing to tell.
QUIET = 60.0


def forget_others(system: System, schedule: Collection[Periodic]) -> None:
    """Forget what was written down of steps that are not on the schedule."""
    try:
        with system.work() as uow:
            steps.forget_others(uow, [periodic.name for periodic in schedule])
    except Exception as error:  # noqa: BLE001  # they are a line on a page
        log.warning("steps_not_forgotten", why=str(error))


class Recorder:
    """Of one step on one node. It writes when a step did or failed something, and otherwise once a minute.

    A step that fails again and again is written down at its first failure and then once a minute too.
    """

    def __init__(self, system: System, periodic: Periodic) -> None:
        self._system = system
        self._periodic = periodic
        self._written = -QUIET
        self._began = 0.0
        self._announced = False
        self._failures = 0  # in a row
        self._untold = 0  # of them

    def begin(self) -> None:
        """Note that it begins, so that one that takes hours can be seen to."""
        self._began = monotonic()
        self._announced = self._due() and self._write(None)

    def done(self, outcome: Outcome) -> None:
        """Note that it went well, and what it did."""
        recovered = self._failures > 0
        self._failures = self._untold = 0
        if outcome is not None or recovered or self._announced or self._due():
            self._write(self._run(result=outcome))

    def failed(self, error: Exception) -> None:
        """Note that it did not."""
        self._failures += 1
        self._untold += 1
        if self._failures == 1 or self._announced or self._due():
            run = self._run(failures=self._untold, error=f"{type(error).__name__}: {error}")
            if self._write(run):
                self._untold = 0

    def _run(self, *, failures: int = 0, error: str | None = None, result: Outcome = None) -> Run:
        periodic = self._periodic
        return Run(periodic.name, monotonic() - self._began, periodic.every, failures, error, result)

    def _due(self) -> bool:
        return monotonic() - self._written >= QUIET

    def _write(self, run: Run | None) -> bool:
        """Write the end of a run, or with None its beginning; whether that was possible."""
        try:
            with self._system.work() as uow:
                if run is None:
                    steps.begin(uow, self._periodic.name)
                else:
                    steps.end(uow, run)
        except Exception as error:  # noqa: BLE001  # the step has done its work, whoever can read of it
            log.warning("step_unrecorded", why=str(error))
            return False
        finally:
            self._written = monotonic()
        return True
