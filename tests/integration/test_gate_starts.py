"""`worker.py gate` at its start: what is known of a scanner may be of one that was there before. T24."""

import threading

import pytest

from app.domain.errors import ScannerUnavailableError
from app.jobs import gatekeeping, scheduler
from app.system import System
from tests.fakes import FakeScanner
from tests.integration.gatehouse import MISSED, blind, never_tested, status
from tests.live import eventually


@pytest.fixture
def blinded(committed: System, scanner: FakeScanner) -> System:
    """Give a product whose gate is open, and a scanner that would no longer pass."""
    system = never_tested(committed, scanner)
    gatekeeping.tend_gate(system)
    blind(scanner)
    gatekeeping.tend_gate(system)
    assert status(system).open, "it is not time yet"
    return system


def test_its_first_test_waits_for_nothing_but_an_answer(blinded: System, scanner: FakeScanner) -> None:
    step = gatekeeping.tending()
    scanner.down = True
    with pytest.raises(ScannerUnavailableError):
        step(blinded)
    scanner.down = False
    step(blinded)
    assert status(blinded).reason == MISSED
    tested = len(scanner.streams)
    step(blinded)
    assert len(scanner.streams) == tested, "once"


def test_so_the_process_does(blinded: System) -> None:
    stop = threading.Event()
    process = threading.Thread(target=scheduler.run_gate, args=(blinded, stop))
    process.start()
    try:
        eventually(lambda: not status(blinded).open, "a closed gate", 20)
    finally:
        stop.set()
        process.join(20)
