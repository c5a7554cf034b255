"""What was called clean by a scanner that turns out to be blind, or to be another one: T24."""

from collections.abc import Callable, Iterable

import pytest
from sqlalchemy import update

from app.domain.errors import StateConflictError
from app.domain.lifecycle import UploadState
from app.domain.policy import Role
from app.domain.scan_status import ScanStatus
from app.domain.verdict import StreamResult, StreamVerdict
from app.jobs import gatekeeping
from app.jobs.scan_upload import rescan_upload, scan_upload
from app.models import Upload
from app.services import downloads, gate, tagging
from app.services.gate import Probe
from app.services.scanning import rescans
from app.system import System
from tests.factories.bundles import make_tgz
from tests.factories.eicar import eicar
from tests.factories.people import make_actor
from tests.factories.probing import teach
from tests.factories.uploads import make_upload
from tests.fakes import FakeScanner
from tests.integration.gatehouse import MISSED, Dated, blind, later, never_tested, status, tend_later
from tests.integration.looking import fresh, pass_time

INFECTED = make_tgz({"a/virus": FakeScanner.MARKER, "b/other": b"anything\n"})
MISS = Probe("Finds it", False, MISSED, missed=True)


@pytest.fixture
def scanner() -> Dated:
    return Dated(1)


@pytest.fixture
def opened(committed: System, scanner: Dated) -> System:
    system = never_tested(committed, scanner)
    gatekeeping.tend_gate(system)
    assert status(system).open
    return system


def meanwhile(patch: pytest.MonkeyPatch, scanner: Dated, deed: Callable[[], object]) -> None:
    """Do it when the next scan has begun."""
    scan = scanner.scan

    def first(chunks: Iterable[bytes | memoryview]) -> StreamVerdict:
        patch.setattr(scanner, "scan", scan)
        deed()
        return scan(chunks)

    patch.setattr(scanner, "scan", first)


def salvaged(system: System, upload: Upload) -> bool:
    """Whether staff may have the clean rest, and a store may let it out."""
    with system.work(make_actor(system, Role.ENGINEER)) as uow:
        try:
            downloads.leave_for_clean_members(uow, upload.id)
        except StateConflictError:
            given = False
        else:
            given = True
    label = tagging.status_of(fresh(system, upload.id))
    assert label == (ScanStatus.SALVAGE if given else ScanStatus.INFECTED)
    return given


def mended(system: System, scanner: Dated, upload: Upload) -> None:
    """Let the scanner find all that it must, and the bundle be scanned again as was asked."""
    teach(scanner)
    assert tend_later(system, 16).open
    pass_time(system, upload.id, 10)
    rescan_upload(system, str(upload.id))


def test_a_virus_found_while_the_gate_closes_is_believed_and_nothing_else(
    opened: System, scanner: Dated, monkeypatch: pytest.MonkeyPatch
) -> None:
    def close() -> None:
        blind(scanner)
        assert not tend_later(opened).open

    upload = make_upload(opened, make_actor(opened), content=INFECTED)
    meanwhile(monkeypatch, scanner, close)
    scan_upload(opened, str(upload.id))
    left = fresh(opened, upload.id)
    assert (left.state, left.rescan_asked_at is None) == (UploadState.INFECTED, False)
    assert not salvaged(opened, upload)
    mended(opened, scanner, upload)
    assert fresh(opened, upload.id).rescan_asked_at is None
    assert salvaged(opened, upload), "the second scan has seen all of it"


def test_after_a_miss_the_clean_rest_is_given_out_no_more_until_it_is_proven_again(
    opened: System, scanner: Dated
) -> None:
    upload = make_upload(opened, make_actor(opened), content=INFECTED)
    scan_upload(opened, str(upload.id))
    assert salvaged(opened, upload)
    with opened.work() as uow:
        uow.session.execute(update(Upload).values(tagged=ScanStatus.SALVAGE))
    blind(scanner)
    assert not tend_later(opened).open
    left = fresh(opened, upload.id)
    assert (left.tagged, left.rescan_asked_at is None) == (None, False), "its tag is written anew"
    assert not salvaged(opened, upload)
    mended(opened, scanner, upload)
    assert salvaged(opened, upload)


def test_a_second_scan_that_comes_to_nothing_gives_the_rest_back_to_nobody(
    opened: System, scanner: Dated
) -> None:
    upload = make_upload(opened, make_actor(opened), content=INFECTED)
    scan_upload(opened, str(upload.id))
    with opened.work() as uow:  # somebody has asked before: it is in doubt all the same
        rescans.ask(uow, upload.id)
    blind(scanner)
    tend_later(opened)
    scanner.answers[FakeScanner.MARKER] = StreamVerdict(StreamResult.LIMIT, "Heuristics.Limits.Exceeded")
    mended(opened, scanner, upload)
    left = fresh(opened, upload.id)
    assert (left.state, left.rescan_asked_at) == (UploadState.INFECTED, None)
    assert not salvaged(opened, upload)


def test_a_second_scan_while_the_gate_closes_takes_no_place_of_a_better_one(
    opened: System, scanner: Dated, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = make_upload(opened, make_actor(opened), content=INFECTED)
    scan_upload(opened, str(upload.id))
    with opened.work() as uow:
        rescans.ask(uow, upload.id)

    def close() -> None:
        with opened.work() as uow:
            gate.close(uow, "A test.")

    meanwhile(monkeypatch, scanner, close)
    rescan_upload(opened, str(upload.id))
    left = fresh(opened, upload.id)
    assert (left.attempts, left.rescan_asked_at is None) == (0, False), "it waits on"
    assert salvaged(opened, upload), "no test has missed anything"


def test_an_edition_of_signatures_that_nobody_has_tested_is_tested_before_it_counts(
    opened: System, scanner: Dated
) -> None:
    """clamd has loaded it a moment ago."""
    scanner.version = 77
    blind(scanner)
    upload = make_upload(opened, make_actor(opened), content=make_tgz({"bad": eicar()}))
    scan_upload(opened, str(upload.id))
    assert (fresh(opened, upload.id).state, status(opened).reason) == (UploadState.SEALED, MISSED)


def test_nothing_is_claimed_by_it_while_it_is_tested(opened: System, scanner: Dated) -> None:
    scanner.version = 77
    with opened.work() as uow:
        gate.begin(uow)
    upload = make_upload(opened, make_actor(opened))
    scan_upload(opened, str(upload.id))
    left = fresh(opened, upload.id)
    assert (left.state, left.epoch) == (UploadState.SEALED, 0)
    later(opened, 61)  # whoever tested it has died
    scan_upload(opened, str(upload.id))
    assert fresh(opened, upload.id).state is UploadState.CLEAN


@pytest.mark.parametrize("tested", [False, True])
def test_a_scan_during_which_others_were_loaded_counts_for_nothing_but_a_virus(
    opened: System, scanner: Dated, monkeypatch: pytest.MonkeyPatch, tested: bool
) -> None:
    def load() -> None:
        scanner.version += 1
        if tested:
            gatekeeping.tend_gate(opened)

    clean = make_upload(opened, make_actor(opened))
    meanwhile(monkeypatch, scanner, load)
    scan_upload(opened, str(clean.id))
    left = fresh(opened, clean.id)
    assert (left.state, left.attempts) == (UploadState.SEALED, 0)
    infected = make_upload(opened, make_actor(opened), content=INFECTED)
    meanwhile(monkeypatch, scanner, load)
    scan_upload(opened, str(infected.id))
    assert fresh(opened, infected.id).state is UploadState.INFECTED
    assert not salvaged(opened, infected)


def test_a_scanner_that_is_silent_after_a_scan_may_be_another(
    opened: System, scanner: Dated, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F12."""
    upload = make_upload(opened, make_actor(opened))

    def answer_last(chunks: Iterable[bytes | memoryview]) -> StreamVerdict:
        verdict = FakeScanner.scan(scanner, chunks)
        scanner.down = True
        return verdict

    monkeypatch.setattr(scanner, "scan", answer_last)
    scan_upload(opened, str(upload.id))
    left = fresh(opened, upload.id)
    assert (left.state, left.attempts) == (UploadState.SEALED, 0)


def test_a_test_that_missed_counts_though_a_later_one_has_passed_before_it_ended(
    opened: System, monkeypatch: pytest.MonkeyPatch, scanner: Dated
) -> None:
    before = make_upload(opened, make_actor(opened))
    scan_upload(opened, str(before.id))
    later(opened, 1)
    assert tend_later(opened).open
    upload, under_way = (make_upload(opened, make_actor(opened)) for _ in range(2))
    scan_upload(opened, str(upload.id))

    def test_twice() -> None:
        with opened.work() as uow:
            first = gate.begin(uow)
        with opened.work() as uow:
            second = gate.begin(uow)
        with opened.work() as uow:
            gate.conclude(uow, second, scanner.engine(), [Probe("Finds it", True)])
        with opened.work() as uow:
            gate.conclude(uow, first, scanner.engine(), [MISS])

    meanwhile(monkeypatch, scanner, test_twice)
    scan_upload(opened, str(under_way.id))
    asked = [fresh(opened, each.id).rescan_asked_at is not None for each in (before, upload)]
    assert asked == [False, True], "what was proven since the test before both"
    assert fresh(opened, under_way.id).state is UploadState.SEALED, "and what was under way"
    assert status(opened).open
