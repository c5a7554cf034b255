"""The scheduler's loop. It is the sweeper too, so it must not depend on Redis or stop on an error."""

import threading

from app import log as logs
from app.domain.errors import DependencyError
from app.jobs.recording import Recorder, forget_others
from app.jobs.schedule import SCHEDULE, Periodic
from app.log import get_logger
from app.system import System

log = get_logger(__name__)


def run(system: System, stop: threading.Event) -> None:
    """Run every step again and again until ``stop`` is set, each in a thread of its own.

    So a step that takes long, over a million stored objects, keeps no other waiting.
    """
    _look_at_login(system)
    forget_others(system, SCHEDULE)
    threads = [
        threading.Thread(target=_repeat, args=(system, periodic, stop), name=periodic.name)
        for periodic in SCHEDULE
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _look_at_login(system: System) -> None:
    """Warn, once, where the walls in the database hold less than they might."""
    try:
        unsafe = system.database.check()
    except DependencyError:  # `/readyz` says both
        return
    if unsafe and system.settings.environment == "production":
        log.warning("database_login_may_too_much", why=f"The portal {unsafe}.")


def _repeat(system: System, periodic: Periodic, stop: threading.Event) -> None:
    recorder = Recorder(system, periodic)
    while not stop.is_set():
        _once(system, periodic, recorder)
        stop.wait(periodic.every)


def _once(system: System, periodic: Periodic, recorder: Recorder) -> None:
    logs.bind(job=periodic.name)
    try:
        recorder.begin()
        outcome = periodic.step(system)
    except DependencyError as error:
        log.warning("step_postponed", why=error.message, **error.context)
        recorder.failed(error)
    except Exception as error:
        log.exception("step_failed")
        recorder.failed(error)
    else:
        recorder.done(outcome)
    finally:
        logs.unbind_all()
