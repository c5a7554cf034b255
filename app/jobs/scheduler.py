"""The scheduler's loop. It is the sweeper too, so it must not depend on Redis or stop on an error."""

import threading
import time

from app import log as logs
from app.domain.errors import DependencyError
from app.jobs.schedule import SCHEDULE, Periodic
from app.log import get_logger
from app.system import System

log = get_logger(__name__)


def run(system: System, stop: threading.Event) -> None:
    """Run every step when it is due, until ``stop`` is set."""
    due = dict.fromkeys(SCHEDULE, 0.0)
    while not stop.is_set():
        for periodic, at in due.items():
            if time.monotonic() >= at and not stop.is_set():
                _once(system, periodic)
                due[periodic] = time.monotonic() + periodic.every
        stop.wait(max(0.0, min(due.values()) - time.monotonic()))


def _once(system: System, periodic: Periodic) -> None:
    logs.bind(job=periodic.name)
    try:
        periodic.step(system)
    except DependencyError as error:
        log.warning("step_postponed", why=error.message, **error.context)
    except Exception:
        log.exception("step_failed")
    finally:
        logs.unbind_all()
