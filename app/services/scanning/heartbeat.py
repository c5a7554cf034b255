"""Keeping a lease alive while the work it covers goes on."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from app.domain.errors import DependencyError
from app.log import get_logger

log = get_logger(__name__)


class Heartbeat:
    """Calls ``renew`` every ``interval`` seconds in a thread, until the block ends.

    ``renew`` returns False when the lease is lost; then there is nothing more to renew. A
    database that is away for one beat is no reason to stop.
    """

    def __init__(self, renew: Callable[[], bool], interval: float) -> None:
        self._renew = renew
        self._interval = interval
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._over.wait(self._interval):
            try:
                if not self._renew():
                    log.warning("lease_lost")
                    return
            except DependencyError as error:
                log.warning("lease_not_renewed", **error.context)
