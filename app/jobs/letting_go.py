"""A worker that must stop asks its job to let go, so that another worker goes on at once.

Each job has a process of its own; SIGTERM is how it is asked. Whoever holds something looks at `watch`
as often as it can, and says with `at_the_latest` how to hand it on where that does not help: what waits
for the scanner notices nothing.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.services.scanning.heartbeat import ScanOverError

PATIENCE_SECONDS = 3.0  # from the question to the end by force

_asked = threading.Event()


class LetGoError(ScanOverError):
    """The worker must stop; another one begins this anew."""


def listen() -> None:
    """Be open for the question, in the process of a job."""
    signal.signal(signal.SIGTERM, _ask)


def _ask(*_: object) -> None:
    # A second signal would wait in here for the lock that the first one holds, and that for it.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _asked.set()


def watch() -> None:
    """Raise LetGoError once it was asked."""
    if _asked.is_set():
        raise LetGoError


@contextmanager
def at_the_latest(hand_on: Callable[[], None]) -> Iterator[None]:
    """End the process, after ``hand_on()``, if the block has not ended soon after it was asked to.

    Whichever is first, the end of the block or that of patience, keeps the other from what comes next:
    never do both write how the claim ended.
    """
    over = threading.Event()
    first = threading.Lock()  # never given back

    def see_to_it() -> None:
        _asked.wait()
        if over.wait(PATIENCE_SECONDS) or not first.acquire(blocking=False):
            return
        try:
            hand_on()
        finally:
            os._exit(0)

    threading.Thread(target=see_to_it, name="letting go", daemon=True).start()
    try:
        yield
    finally:
        first.acquire()  # for ever, where the process is about to end
        over.set()
