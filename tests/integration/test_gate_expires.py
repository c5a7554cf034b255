"""An open gate is only as good as its last test is young."""

import pytest

from app.jobs import gatekeeping
from app.queries.gate import STALE
from app.services import gate
from app.system import System
from tests.fakes import FakeScanner
from tests.integration.gatehouse import later, never_tested, status


@pytest.mark.parametrize(("minutes", "still"), [(29, True), (31, False)])
def test_an_open_gate_that_nobody_tests_any_more_counts_as_closed(
    system: System, minutes: int, still: bool
) -> None:
    """The scheduler died: what a scanner could do half an hour ago says nothing of now."""
    later(system, minutes * 60)
    with system.work() as uow:
        assert gate.is_open(uow) is still
    assert (status(system).open, status(system).reason) == (still, None if still else STALE)


def test_the_next_test_opens_it_again(system: System, scanner: FakeScanner) -> None:
    guarded = never_tested(system, scanner)
    gatekeeping.tend_gate(guarded)
    later(guarded, 3600)
    gatekeeping.tend_gate(guarded)
    assert status(guarded).open
