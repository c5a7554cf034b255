"""What becomes of bundles when the gate closes: T24."""

import pytest

from app.domain.lifecycle import UploadState
from app.domain.verdict import StreamResult, StreamVerdict
from app.jobs import gatekeeping
from app.jobs.scan_upload import scan_upload
from app.services.scanning.probes import encrypted, too_deep
from app.system import System
from tests.factories.eicar import eicar
from tests.factories.people import make_actor
from tests.factories.probing import teach
from tests.factories.uploads import make_upload
from tests.fakes import FakeScanner
from tests.integration.gatehouse import (
    ERROR,
    MISSED,
    blind,
    gate_deeds,
    never_tested,
    status,
    tend_later,
)
from tests.integration.looking import fresh, pass_time

CLEAN = StreamVerdict(StreamResult.CLEAN)


@pytest.fixture
def opened(committed: System, scanner: FakeScanner) -> System:
    system = never_tested(committed, scanner)
    gatekeeping.tend_gate(system)
    assert status(system).open
    return system


def test_what_comes_while_it_is_closed_waits_untouched_and_is_scanned_after(
    opened: System, scanner: FakeScanner
) -> None:
    blind(scanner)
    tend_later(opened)
    upload = make_upload(opened, make_actor(opened))
    scan_upload(opened, str(upload.id))
    waiting = fresh(opened, upload.id)
    assert (waiting.state, waiting.attempts, waiting.epoch) == (UploadState.SEALED, 0, 0)
    teach(scanner)
    tend_later(opened, 16)
    scan_upload(opened, str(upload.id))
    assert fresh(opened, upload.id).state is UploadState.CLEAN


def test_a_scan_under_way_when_it_closes_is_handed_back(
    opened: System, scanner: FakeScanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = make_upload(opened, make_actor(opened))
    scan = scanner.scan

    def close_meanwhile(chunks: list[bytes]) -> StreamVerdict:
        monkeypatch.setattr(scanner, "scan", scan)
        blind(scanner)
        assert not tend_later(opened).open
        return scan(chunks)

    monkeypatch.setattr(scanner, "scan", close_meanwhile)
    scan_upload(opened, str(upload.id))
    now = fresh(opened, upload.id)
    assert (now.state, now.attempts, now.scan) == (UploadState.SEALED, 0, None)
    teach(scanner)
    assert tend_later(opened, 16).open
    pass_time(opened, upload.id, 10)
    scan_upload(opened, str(upload.id))
    assert fresh(opened, upload.id).state is UploadState.CLEAN


@pytest.mark.parametrize("missed", [eicar(), too_deep(), encrypted()], ids=["virus", "too deep", "encrypted"])
def test_what_turned_clean_since_the_last_test_passed_is_scanned_again_after_a_miss(
    opened: System, scanner: FakeScanner, missed: bytes
) -> None:
    before = make_upload(opened, make_actor(opened), UploadState.CLEAN)
    assert tend_later(opened).open
    since = [make_upload(opened, make_actor(opened), UploadState.CLEAN) for _ in range(2)]
    infected = make_upload(opened, make_actor(opened), UploadState.INFECTED)
    scanner.answers[missed] = CLEAN
    assert not tend_later(opened, 601).open
    asked = [fresh(opened, upload.id).rescan_asked_at is not None for upload in (before, *since, infected)]
    assert asked == [False, True, True, False]
    tend_later(opened, 16)
    (deed,) = [deed for deed in gate_deeds(opened) if deed.action == "gate.rescans_asked"]
    assert deed.detail["count"] == 2


def test_a_scanner_that_says_that_it_failed_puts_nothing_in_doubt(
    opened: System, scanner: FakeScanner
) -> None:
    upload = make_upload(opened, make_actor(opened), UploadState.CLEAN)
    scanner.answers[eicar()] = ERROR
    assert not tend_later(opened).open
    assert fresh(opened, upload.id).rescan_asked_at is None
    blind(scanner)
    assert tend_later(opened, 16).reason == MISSED
    assert fresh(opened, upload.id).rescan_asked_at is not None


def test_a_scanner_that_finds_everything_is_broken_too(opened: System, scanner: FakeScanner) -> None:
    scanner.answers = {b"": StreamVerdict(StreamResult.INFECTED, "Everything")}
    assert tend_later(opened).reason == "The scanner stopped a harmless bundle: Everything."
