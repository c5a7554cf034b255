"""The lease is renewed while the work goes on, and not a moment longer."""

import threading

import pytest

from app.domain.errors import DependencyError
from app.services.scanning.heartbeat import Heartbeat, LeaseLostError, PreemptedError, ScanOverError
from tests.live import eventually


class Renewal:
    """Counts the calls; gives the prepared answers, then True."""

    def __init__(self, *answers: bool | Exception) -> None:
        self.answers = list(answers)
        self.calls = 0

    def __call__(self) -> bool:
        self.calls += 1
        answer = self.answers.pop(0) if self.answers else True
        if isinstance(answer, Exception):
            raise answer
        return answer


def beating() -> bool:
    return any(thread.name == "heartbeat" for thread in threading.enumerate())


def test_it_renews_until_the_block_ends() -> None:
    renewal = Renewal()
    with Heartbeat(renewal, 0.01):
        eventually(lambda: renewal.calls >= 3, "three beats", 5)
    assert not beating()


def test_it_ends_with_an_error_of_the_work() -> None:
    with pytest.raises(ZeroDivisionError), Heartbeat(Renewal(), 0.01):
        raise ZeroDivisionError
    assert not beating()


@pytest.mark.parametrize("over", [LeaseLostError, PreemptedError])
def test_a_lost_lease_is_not_asked_for_again_and_ends_the_work(over: type[ScanOverError]) -> None:
    renewal = Renewal(True, False)
    with Heartbeat(renewal, 0.01, over) as heartbeat:
        eventually(lambda: not beating(), "the end of the beating", 5)
        with pytest.raises(over):
            heartbeat.watch()
    assert renewal.calls == 2


def test_a_database_that_is_away_for_a_beat_ends_nothing() -> None:
    renewal = Renewal(DependencyError("away", cause="a test"))
    with Heartbeat(renewal, 0.01) as heartbeat:
        eventually(lambda: renewal.calls >= 3, "beats after the failure", 5)
        heartbeat.watch()
