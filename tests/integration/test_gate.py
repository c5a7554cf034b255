"""When the gate closes and opens, and who hears of it: T24."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.errors import ScannerUnavailableError
from app.domain.events import Event
from app.domain.verdict import Engine, StreamVerdict
from app.jobs import gatekeeping
from app.queries.gate import NOT_YET
from app.services import gate
from app.services.gate import Probe
from app.system import System
from tests.factories.eicar import eicar
from tests.factories.probing import teach
from tests.fakes import FakeScanner
from tests.integration.gatehouse import (
    ERROR,
    MISSED,
    blind,
    gate_deeds,
    later,
    never_tested,
    status,
    tend_later,
    told,
)


@pytest.fixture
def guarded(committed: System, scanner: FakeScanner) -> System:
    return never_tested(committed, scanner)


@pytest.fixture
def opened(guarded: System) -> System:
    gatekeeping.tend_gate(guarded)
    assert status(guarded).open
    return guarded


def test_a_new_installation_is_closed_until_the_scanner_has_passed_and_that_is_no_news(
    guarded: System,
) -> None:
    assert (status(guarded).open, status(guarded).reason) == (False, NOT_YET)
    gatekeeping.tend_gate(guarded)
    now = status(guarded)
    assert (now.open, now.reason) == (True, None)
    assert len(now.probes) == 8
    assert all(probe["passed"] for probe in now.probes)
    assert (told(guarded), [deed.action for deed in gate_deeds(guarded)]) == ([], ["gate.opened"])


def test_a_new_installation_whose_scanner_fails_is_news(guarded: System, scanner: FakeScanner) -> None:
    blind(scanner)
    gatekeeping.tend_gate(guarded)
    assert status(guarded).reason == MISSED
    assert told(guarded) == [(Event.GATE_CLOSED, MISSED)]


def test_a_miss_closes_and_the_admin_hears_once_of_it_and_once_of_the_end(
    opened: System, scanner: FakeScanner, caplog: pytest.LogCaptureFixture
) -> None:
    blind(scanner)
    with caplog.at_level(logging.ERROR):
        assert tend_later(opened).reason == MISSED
        for _ in range(3):
            tend_later(opened, 16)
    assert [record.levelname for record in caplog.records if "gate_closed" in record.getMessage()] == [
        "ERROR"
    ]
    teach(scanner)
    assert tend_later(opened, 16).open
    tend_later(opened)
    assert told(opened) == [(Event.GATE_CLOSED, MISSED), (Event.GATE_OPENED, None)]
    assert [deed.action for deed in gate_deeds(opened)] == ["gate.opened", "gate.closed", "gate.opened"]


def test_a_reason_that_changes_while_it_stays_closed_is_shown_and_not_mailed(
    opened: System, scanner: FakeScanner
) -> None:
    blind(scanner)
    tend_later(opened)
    teach(scanner)
    scanner.answers[eicar()] = ERROR
    assert "no verdict" in (tend_later(opened, 16).reason or "")
    blind(scanner)
    assert tend_later(opened, 16).reason == MISSED
    assert [event for event, _ in told(opened)] == [Event.GATE_CLOSED]


def test_a_second_closing_is_told_again(opened: System, scanner: FakeScanner) -> None:
    for _ in range(2):
        blind(scanner)
        tend_later(opened)
        teach(scanner)
        tend_later(opened, 16)
    assert [event for event, _ in told(opened)] == [Event.GATE_CLOSED, Event.GATE_OPENED] * 2


def test_it_is_tested_every_ten_minutes_while_open_and_soon_while_closed(
    opened: System, scanner: FakeScanner
) -> None:
    before = len(scanner.streams)
    tend_later(opened, 590)
    assert len(scanner.streams) == before
    blind(scanner)
    assert not tend_later(opened, 11).open
    before = len(scanner.streams)
    gatekeeping.tend_gate(opened)
    assert len(scanner.streams) == before
    tend_later(opened, 16)
    assert len(scanner.streams) > before


def test_other_signatures_are_tested_at_once(
    opened: System, scanner: FakeScanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind(scanner)
    gatekeeping.tend_gate(opened)
    assert status(opened).open, "it is not time yet"
    monkeypatch.setattr(scanner, "engine", lambda: Engine("Fake 1.0", "2", datetime.now(UTC)))
    gatekeeping.tend_gate(opened)
    assert status(opened).reason == MISSED


def test_nobody_probes_beside_another_unless_that_one_died(opened: System, scanner: FakeScanner) -> None:
    later(opened, 601)
    with opened.work() as uow:
        gate.begin(uow)
    before = len(scanner.streams)
    gatekeeping.tend_gate(opened)
    assert len(scanner.streams) == before
    later(opened, 61)
    gatekeeping.tend_gate(opened)
    assert len(scanner.streams) > before


def test_a_probe_that_began_before_another_ended_changes_nothing(opened: System) -> None:
    with opened.work() as uow:
        first = gate.begin(uow)
    with opened.work() as uow:
        second = gate.begin(uow)
        gate.conclude(uow, second, Engine("Fake 1.0", "1"), [Probe("x", False, MISSED)])
    with opened.work() as uow:
        gate.conclude(uow, first, Engine("Fake 1.0", "1"), [Probe("x", True)])
    assert status(opened).reason == MISSED


def test_a_scanner_that_is_away_is_no_miss_until_it_has_been_silent_for_long(
    opened: System, scanner: FakeScanner
) -> None:
    """F12."""
    scanner.down = True
    with pytest.raises(ScannerUnavailableError):
        tend_later(opened, 290)
    assert status(opened).open
    for _ in range(3):
        with pytest.raises(ScannerUnavailableError):
            tend_later(opened, 20)
    assert "not answered" in (status(opened).reason or "")
    scanner.down = False
    assert tend_later(opened, 1).open
    assert [event for event, _ in told(opened)] == [Event.GATE_CLOSED, Event.GATE_OPENED]


def test_a_probe_cut_short_by_a_scanner_that_goes_away_is_tried_again_soon(
    opened: System, scanner: FakeScanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(_chunks: object) -> StreamVerdict:
        raise ScannerUnavailableError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(scanner, "scan", die)
        with pytest.raises(ScannerUnavailableError):
            tend_later(opened)
    assert status(opened).open
    blind(scanner)
    gatekeeping.tend_gate(opened)
    assert not status(opened).open


@pytest.mark.parametrize(
    ("environment", "found", "reason"),
    [
        ("development", Engine("ClamAV 1.4.6"), None),
        ("production", Engine("ClamAV 1.4.6"), "test signatures only"),
        ("development", Engine("ClamAV 1.4.6", "27000", datetime.now(UTC) - timedelta(days=6)), None),
        ("production", Engine("ClamAV 1.4.6", "27000", datetime.now(UTC) - timedelta(days=6)), None),
        ("development", Engine("ClamAV 1.4.6", "27000", datetime.now(UTC) - timedelta(days=8)), "too old"),
        ("development", Engine("ClamAV 1.4.6", "27000"), "how old"),
        ("development", Engine("ClamAV 1.0.7", "27000", datetime.now(UTC)), None),
        ("production", Engine("ClamAV 1.0.7", "27000", datetime.now(UTC)), "known security holes"),
    ],
)
def test_signatures_and_engine_must_be_fit(
    guarded: System,
    scanner: FakeScanner,
    monkeypatch: pytest.MonkeyPatch,
    environment: str,
    found: Engine,
    reason: str | None,
) -> None:
    settings = guarded.settings.model_copy(update={"environment": environment})
    monkeypatch.setattr(scanner, "engine", lambda: found)
    gatekeeping.tend_gate(replace(guarded, settings=settings))
    now = status(guarded)
    assert now.open is (reason is None)
    assert (reason or "") in (now.reason or "")
    assert all(probe["passed"] for probe in now.probes)


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("ClamAV 1.4.6", False),
        ("ClamAV 1.4.10", False),
        ("ClamAV 1.4.5", True),
        ("ClamAV 1.5.4", False),
        ("ClamAV 1.5.3", True),
        ("ClamAV 1.6.0", False),
        ("ClamAV 2.0.0", False),
        ("ClamAV 1.0.9", True),
        ("ClamAV 0.103.12", True),
        ("ClamAV 1.5.4-beta", True),
        ("ClamAV devel", True),
    ],
)
def test_a_worker_refuses_engines_with_known_holes_in_production_only(
    guarded: System, scanner: FakeScanner, monkeypatch: pytest.MonkeyPatch, name: str, refused: bool
) -> None:
    """T29."""
    monkeypatch.setattr(scanner, "engine", lambda: Engine(name, "27000", datetime.now(UTC)))
    production = guarded.settings.model_copy(update={"environment": "production"})
    said = gatekeeping.before_work(replace(guarded, settings=production))
    assert (said is not None) is refused
    assert not refused or name in (said or "")
    assert status(guarded).open is not refused
    assert gatekeeping.before_work(guarded) is None


def test_a_worker_starts_without_a_scanner_and_finds_the_gate_closed(
    guarded: System, scanner: FakeScanner
) -> None:
    scanner.down = True
    assert gatekeeping.before_work(guarded) is None
    assert status(guarded).reason == NOT_YET
