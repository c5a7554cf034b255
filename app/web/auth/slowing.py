"""Answers that come slower after a few failures, for whoever tries passwords one after the other."""

from threading import BoundedSemaphore
from time import sleep

_PATIENCE = 5  # failures without a wait
_FIRST, _LONGEST = 0.25, 2.0  # seconds
_waiting = BoundedSemaphore(8)  # threads of this process: who tries must not hold them all


def slow_down(failures: int) -> None:
    """Wait, the longer the more ``failures`` there were before. Never within a unit of work."""
    if failures < _PATIENCE or not _waiting.acquire(blocking=False):
        return
    try:
        sleep(min(_FIRST * 2.0 ** (failures - _PATIENCE), _LONGEST))
    finally:
        _waiting.release()
