"""The scheduler's loop. It is the sweeper too, so it must not depend on Redis or stop on an error."""

import threading
from collections.abc import Iterable
from dataclasses import replace
from time import monotonic

from app import log as logs
from app.domain.errors import DependencyError
from app.jobs import gatekeeping, heartbeat
from app.jobs.recording import Recorder, forget_others
from app.jobs.schedule import GATE, SCHEDULE, Periodic
from app.log import get_logger
from app.system import System

log = get_logger(__name__)

_LOOK = 5.0  # seconds between two looks at whether the database still lets us in


def run(system: System, stop: threading.Event) -> None:
    """Run every step again and again until ``stop`` is set, each in a thread of its own.

    So a step that takes long, over a million stored objects, keeps no other waiting. A database that
    refuses our password for long sets ``stop`` too: another process gets the new one.
    """
    _look_at_login(system)
    forget_others(system, SCHEDULE)
    steps = [periodic for periodic in SCHEDULE if periodic.runs_with(system.settings)]
    _run(system, steps, stop, "scheduler")


def run_gate(system: System, stop: threading.Event) -> None:
    """Test the scanner of this process again and again until ``stop`` is set, and nothing else."""
    _run(system, [replace(GATE, step=gatekeeping.tending())], stop, "gate")


def _run(system: System, steps: Iterable[Periodic], stop: threading.Event, role: str) -> None:
    threads = [
        threading.Thread(target=_repeat, args=(system, periodic, stop, role), name=periodic.name, daemon=True)
        for periodic in steps
    ]
    for thread in threads:
        thread.start()
    while not system.database.refused() and not stop.wait(_LOOK):
        pass
    stop.set()
    _wait_for(threads, system.settings.graceful_timeout)


def _wait_for(threads: Iterable[threading.Thread], seconds: float) -> None:
    """Wait for steps that are under way, not longer than the supervisor waits.

    Each can be broken off anywhere, as by a crash: the next scheduler goes on.
    """
    deadline = monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - monotonic()))
    if left := [thread.name for thread in threads if thread.is_alive()]:
        log.warning("steps_broken_off", steps=left)


def _look_at_login(system: System) -> None:
    """Warn, once, where the walls in the database hold less than they might."""
    try:
        unsafe = system.database.check()
    except DependencyError:  # `/readyz` says both
        return
    if unsafe and system.settings.environment == "production":
        log.warning("database_login_may_too_much", why=f"The portal {unsafe}.")


def _repeat(system: System, periodic: Periodic, stop: threading.Event, role: str) -> None:
    recorder = Recorder(system, periodic)
    while not stop.is_set():
        heartbeat.beat(system.settings, role)
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
