"""Workers that have a scanner each: none stands in for another, and none keeps another busy. T24, F12."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.domain.errors import ScannerUnavailableError
from app.domain.events import Event
from app.domain.lifecycle import UploadState
from app.jobs import gatekeeping, periodic
from app.jobs.scan_upload import rescan_upload, scan_upload
from app.models import ScannerTest
from app.ports import Scanner
from app.queries import engine as engine_query
from app.services import gate, scanners
from app.services.gate import Probe
from app.system import System
from tests.factories.bundles import make_tgz
from tests.factories.eicar import eicar
from tests.factories.people import make_actor
from tests.factories.probing import teach
from tests.factories.uploads import make_upload
from tests.fakes import FakeQueue
from tests.integration.gatehouse import MISSED, Dated, blind, later, never_tested, status, told
from tests.integration.looking import fresh


@pytest.fixture
def first() -> Dated:
    return Dated(1)


@pytest.fixture
def second() -> Dated:
    return Dated(2)


@pytest.fixture
def product(committed: System, first: Dated) -> System:
    return never_tested(committed, first)


def beside(system: System, name: str, scanner: Scanner) -> System:
    """Return the product as a process sees it that has this scanner beside it, and no other."""
    settings = system.settings.model_copy(update={"clamd_address": f"unix:/{name}"})
    return replace(system, settings=settings, adapters=replace(system.adapters, scanner=scanner))


@pytest.fixture
def tasks(product: System, first: Dated, second: Dated) -> list[System]:
    return [beside(product, "first", first), beside(product, "second", second)]


def tend(tasks: list[System], times: int = 1) -> None:
    for _ in range(times):
        for task in tasks:
            gatekeeping.tend_gate(task)


def test_two_editions_of_signatures_are_tested_once_each(
    tasks: list[System], first: Dated, second: Dated
) -> None:
    tend(tasks)
    before = len(first.streams), len(second.streams)
    assert min(before) > 0
    tend(tasks, times=5)
    assert (len(first.streams), len(second.streams)) == before
    assert (status(tasks[0]).open, told(tasks[0])) == (True, [])
    first.version = 2
    tend(tasks)
    assert len(first.streams) > before[0], "what it has loaded is tested at once"
    assert len(second.streams) == before[1]


def test_the_newest_edition_is_the_one_that_pages_show_and_rescans_go_by(
    tasks: list[System], queue: FakeQueue
) -> None:
    """Else what is ready would be scanned for the one, then again for the other, and so on."""
    tend(tasks)
    upload = make_upload(tasks[0], make_actor(tasks[0]))
    scan_upload(tasks[1], str(upload.id))
    assert fresh(tasks[0], upload.id).scanned_for == "2"
    queue.rung.clear()
    for _ in range(3):
        tend(tasks)
        with tasks[0].work() as uow:
            assert engine_query.current(uow.session) == tasks[1].adapters.scanner.engine()
        assert periodic.ring_outdated(tasks[0]) is None
    rescan_upload(tasks[0], str(upload.id))
    assert fresh(tasks[0], upload.id).scanned_for == "2"
    later(tasks[0], 61)
    gatekeeping.tend_gate(tasks[0])  # the newer ones are gone: they were a mistake, say
    with tasks[0].work() as uow:
        assert engine_query.current(uow.session) == tasks[0].adapters.scanner.engine()


def test_nothing_turns_clean_by_a_scanner_that_only_others_vouch_for(
    tasks: list[System], second: Dated
) -> None:
    """The gate is open; its own scanner calls everything clean, and nobody has tested it yet."""
    gatekeeping.tend_gate(tasks[0])
    blind(second)
    upload = make_upload(tasks[0], make_actor(tasks[0]), content=make_tgz({"bad": eicar()}))
    scan_upload(tasks[1], str(upload.id))
    left = fresh(tasks[0], upload.id)
    assert (left.state, left.attempts) == (UploadState.SEALED, 0)
    assert status(tasks[0]).reason == MISSED, "it was tested before anything was claimed"


def test_a_worker_proves_its_own_scanner_where_nobody_else_has(tasks: list[System]) -> None:
    gatekeeping.tend_gate(tasks[0])
    upload = make_upload(tasks[0], make_actor(tasks[0]))
    scan_upload(tasks[1], str(upload.id))
    assert fresh(tasks[0], upload.id).state is UploadState.CLEAN


def test_one_that_fails_closes_the_gate_until_it_passes(
    tasks: list[System], first: Dated, second: Dated
) -> None:
    """Once, and with one mail: that another one passes meanwhile is no news."""
    tend(tasks)
    blind(second)
    later(tasks[0], 601)
    tend(tasks)
    probed = len(first.streams)
    for _ in range(4):
        later(tasks[0], 16)
        tend(tasks)
        assert status(tasks[0]).reason == MISSED
    assert len(first.streams) == probed, "the one that passes has nothing new to say"
    teach(second)
    later(tasks[0], 16)
    tend(tasks)
    assert status(tasks[0]).open
    assert told(tasks[0]) == [(Event.GATE_CLOSED, MISSED), (Event.GATE_OPENED, None)]


def test_one_that_failed_and_is_gone_keeps_the_gate_closed_for_minutes_only(
    tasks: list[System], second: Dated
) -> None:
    tend(tasks)
    blind(second)
    later(tasks[0], 601)
    tend(tasks)
    later(tasks[0], 150)
    gatekeeping.tend_gate(tasks[0])
    assert not status(tasks[0]).open
    later(tasks[0], 60)
    gatekeeping.tend_gate(tasks[0])
    assert status(tasks[0]).open
    with tasks[0].work() as uow:
        failed = uow.session.scalars(select(ScannerTest.failed).order_by(ScannerTest.place)).all()
    assert sorted(map(str, failed)) == ["None", MISSED], "and its own workers wait on"


def test_a_scan_counts_for_nothing_when_its_own_scanner_failed_meanwhile(
    tasks: list[System], second: Dated, monkeypatch: pytest.MonkeyPatch
) -> None:
    tend(tasks)
    upload = make_upload(tasks[0], make_actor(tasks[0]))
    scan = second.scan

    def fail(chunks: object) -> object:
        with tasks[1].work() as uow:
            uow.session.execute(
                update(ScannerTest)
                .where(ScannerTest.place == scanners.place_of(tasks[1].settings))
                .values(failed=MISSED)
            )
        return scan(chunks)  # type: ignore[arg-type]

    monkeypatch.setattr(second, "scan", fail)
    scan_upload(tasks[1], str(upload.id))
    assert fresh(tasks[0], upload.id).state is UploadState.SEALED
    assert status(tasks[0]).open, "what the others scan goes on"


def test_one_that_is_away_is_no_failure_of_the_others(tasks: list[System], second: Dated) -> None:
    tend(tasks)
    second.down = True
    for _ in range(5):
        later(tasks[0], 301)
        gatekeeping.tend_gate(tasks[0])
        with pytest.raises(ScannerUnavailableError):
            gatekeeping.tend_gate(tasks[1])
    assert status(tasks[0]).open


def test_one_that_fails_slowly_is_in_use_while_it_is_tested_again(tasks: list[System], second: Dated) -> None:
    """However long a test takes, the gate does not open in between: scans would be thrown away each time."""
    tend(tasks)
    blind(second)
    later(tasks[0], 601)
    tend(tasks)
    failed = [Probe("Finds it", False, MISSED)]
    for _ in range(2):
        later(tasks[0], 16)
        with tasks[1].work() as uow:
            begun = gate.begin(uow)
        for _ in range(2):
            later(tasks[0], 115)
            gatekeeping.tend_gate(tasks[0])
            assert not status(tasks[0]).open
        ended = replace(begun, at=begun.at - timedelta(seconds=230))
        with tasks[1].work() as uow:
            gate.conclude(uow, ended, second.engine(), failed)
        later(tasks[0], 16)
        gatekeeping.tend_gate(tasks[0])
        assert not status(tasks[0]).open
    assert [event for event, _ in told(tasks[0])] == [Event.GATE_CLOSED]


def test_whoever_tests_one_keeps_nobody_from_testing_another(tasks: list[System], second: Dated) -> None:
    """Signatures are new, and each has loaded them; the prober of the first is killed, say."""
    tend(tasks)
    with tasks[0].work() as uow:
        gate.begin(uow)
    second.version = 77
    blind(second)
    gatekeeping.tend_gate(tasks[1])
    assert status(tasks[0]).reason == MISSED
