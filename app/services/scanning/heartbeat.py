"""Keeping a lease alive while the work it covers goes on, and ending the work when it is lost."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from app.domain.errors import DependencyError
from app.log import get_logger

log = get_logger(__name__)


class ScanOverError(Exception):
    """The scan need not go on."""


class LeaseLostError(ScanOverError):
    """Another has the bundle now; whatever this scan would say is not written."""


class PreemptedError(ScanOverError):
    """Somebody waits for the scanner, and this scan can wait."""


class Heartbeat:
    """Calls ``beat`` every ``interval`` seconds in a thread, until the block ends.

    Once ``beat`` returns False there is no more to do, and `watch` raises ``over``. A database that
    is away for one beat is no reason to stop.
    """

    def __init__(
        self, beat: Callable[[], bool], interval: float, over: type[ScanOverError] = LeaseLostError
    ) -> None:
        self._beat = beat
        self._interval = interval
        self._error = over
        self._over = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="heartbeat", daemon=True)

    def watch(self) -> None:
        """Raise ``over`` if the work need not go on; whoever does it asks often."""
        if self._stopped.is_set():
            raise self._error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _go_on(self) -> None:
        while not self._over.wait(self._interval):
            try:
                if not self._beat():
                    self._stopped.set()
                    return
            except DependencyError as error:
                log.warning("beat_missed", **error.context)
