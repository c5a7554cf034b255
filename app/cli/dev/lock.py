"""One stack per directory. A lock ends with its holder, so a stale one cannot exist."""

import fcntl
import os
import signal
import time
from contextlib import suppress
from pathlib import Path


class AlreadyRunningError(Exception):
    """Another stack uses this directory."""


def take(path: Path, wait: float = 0.0) -> int:
    """Lock the file for as long as the returned descriptor, or a child's copy of it, is open.

    Raises:
        AlreadyRunningError: somebody else still holds it after `wait` seconds.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                raise AlreadyRunningError(str(path)) from None
            time.sleep(0.02)
        else:
            return descriptor


def take_pid_file(directory: Path) -> int:
    """Become the stack of this directory. Raises AlreadyRunningError."""
    try:
        descriptor = take(directory / "run.pid")
    except AlreadyRunningError:
        raise AlreadyRunningError("Diagport is already running here. To stop it: make stop") from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def stop(directory: Path, patience: float = 60.0) -> bool:
    """Stop the stack of this directory and wait; say whether there was one.

    Raises:
        AlreadyRunningError: it did not stop within `patience` seconds.
    """
    path = directory / "run.pid"
    if not path.exists():
        return False
    with suppress(AlreadyRunningError):
        os.close(take(path))
        return False
    with suppress(ProcessLookupError):
        os.kill(int(path.read_text()), signal.SIGTERM)
    os.close(take(path, patience))
    return True
