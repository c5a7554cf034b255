"""How slow a sender may be: T9. The waiting itself is in `tests/faults/test_slow_senders.py`."""

import pytest

from app.web.pace import Pace, SlowBodyError


def test_exactly_the_rate_is_enough() -> None:
    pace = Pace(rate=1024, window=60)
    for _ in range(200):
        pace.note(1024, 1.0)
        pace.check()


def test_one_byte_less_is_not_once_the_window_is_full() -> None:
    pace = Pace(rate=1024, window=60)
    for _ in range(59):
        pace.note(1023, 1.0)
        pace.check()
    pace.note(1023, 1.0)
    with pytest.raises(SlowBodyError, match=r"1,024 bytes came per second for 60 seconds") as refusal:
        pace.check()
    assert refusal.value.status == 408


def test_a_good_beginning_does_not_help_for_ever() -> None:
    pace = Pace(rate=1024, window=60)
    pace.note(10**9, 60)
    pace.check()
    pace.note(60_000, 60)
    with pytest.raises(SlowBodyError):
        pace.check()


def test_only_waiting_counts() -> None:
    """A gigabyte that came while a disk stalled for an hour was waited for for no time."""
    pace = Pace(rate=1024, window=60)
    for _ in range(100_000):
        pace.note(1, 0.0)
        pace.check()
