"""The probes on a real clamd, well and badly set up: T24, F15, F16."""

import os
import subprocess
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import clamd as clamd_package
import pytest

from app.adapters.scanner import ClamdScanner
from app.bundle.budget import Budget
from app.cli.dev.process import ProcessFailedError
from app.domain.errors import ScannerUnavailableError
from app.domain.verdict import Verdict
from app.jobs import gatekeeping
from app.services.gate import Probe
from app.services.scanning.examine import examine
from app.services.scanning.probes import probe
from app.settings import Settings
from app.system import System
from tests.factories.bundles import make_tgz
from tests.factories.eicar import eicar
from tests.factories.engines import OwnClamd
from tests.integration.gatehouse import status, tend_later
from tests.live import eventually

MIB = 1024**2
NOW = datetime.now(UTC)


@pytest.fixture
def clamd(tmp_path: Path) -> Iterator[OwnClamd]:
    own = OwnClamd(tmp_path / "own")
    yield own
    own.process.stop()


@pytest.fixture
def guarded(committed: System, clamd: OwnClamd) -> System:
    """Give a product whose scanner is the test's own; what was tested before is forgotten by then."""
    settings = committed.settings.model_copy(update={"probe_padding_bytes": 30 * MIB})
    return replace(committed, settings=settings, adapters=replace(committed.adapters, scanner=clamd.scanner))


def failed(probes: list[Probe]) -> list[str]:
    return [each.name for each in probes if not each.passed]


def test_all_pass_with_the_full_padding_and_it_never_lies_in_memory(
    clamd_address: str, settings: Settings
) -> None:
    assert settings.probe_padding_bytes == 200 * 10**6
    tracemalloc.start()
    try:
        probes = probe(ClamdScanner(clamd_address, timeout=60), settings)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (len(probes), failed(probes)) == (8, [])
    assert peak < 32 * MIB


@pytest.mark.parametrize(
    ("changes", "fails", "says", "missed"),
    [
        ({"AlertExceedsMax": None}, ["Refuses an archive nested"], "Set AlertExceedsMax", True),
        ({"AlertEncrypted": None}, ["Refuses an encrypted"], "Set AlertEncryptedArchive", True),
        ({"StreamMaxLength": "25M"}, ["Finds the test virus after a file"], "StreamMaxLength", False),
        (
            {"StreamMaxLength": "25M", "MaxFileSize": "25M", "MaxScanSize": "100M",
             "AlertExceedsMax": None, "AlertEncrypted": None},
            ["Finds the test virus after a file", "Refuses an archive nested", "Refuses an encrypted"],
            "StreamMaxLength",
            True,
        ),
        (
            {"ScanArchive": "no"},
            ["Finds the test virus among small", "Refuses an archive nested", "Refuses an encrypted"],
            "did not find",
            True,
        ),
    ],
    ids=["limits pass", "encrypted passes", "short streams", "as Debian has it", "no archives"],
)  # fmt: skip
def test_a_clamd_badly_set_up_closes_and_mended_it_opens_by_itself(
    guarded: System,
    clamd: OwnClamd,
    changes: dict[str, str | None],
    fails: list[str],
    says: str,
    missed: bool,
) -> None:
    clamd.start(**changes)
    closed = tend_later(guarded)
    wrong = [each for each in closed.probes if not each["passed"]]
    assert len(wrong) == len(fails)
    assert all(each["name"].startswith(start) for each, start in zip(wrong, fails, strict=True))
    assert says in (closed.reason or "")
    assert any(each["missed"] for each in wrong) is missed
    clamd.start()
    assert tend_later(guarded, 16).open


def test_stale_signatures_close_it_and_fresh_ones_open_it_at_once(guarded: System, clamd: OwnClamd) -> None:
    clamd.start()
    assert tend_later(guarded).open
    built = NOW - timedelta(days=8)
    clamd.date_signatures(27000, built)
    clamd.start()
    gatekeeping.tend_gate(guarded)
    closed = status(guarded)
    assert closed.reason == f"The scanner's signatures are too old: they are of {built:%-d %B %Y}."
    assert 8 * 86_400 <= (closed.signatures_age or 0) < 8.1 * 86_400
    clamd.date_signatures(27001, NOW - timedelta(days=6))
    command(clamd).reload()
    eventually(lambda: clamd.scanner.engine().signatures == "27001", "the new signatures", 20)
    gatekeeping.tend_gate(guarded)
    assert status(guarded).open


def test_without_any_signatures_clamd_does_not_start_and_silence_closes_it(
    guarded: System, clamd: OwnClamd
) -> None:
    """F15."""

    def empty() -> None:
        for path in clamd.signatures.iterdir():
            path.unlink()

    clamd.start()
    assert tend_later(guarded).open
    clamd.spoil = empty
    with pytest.raises(ProcessFailedError):
        clamd.start()
    with pytest.raises(ScannerUnavailableError):
        tend_later(guarded, 290)
    assert status(guarded).open
    with pytest.raises(ScannerUnavailableError):
        tend_later(guarded, 20)
    assert "not answered" in (status(guarded).reason or "")


def test_no_room_for_what_is_scanned_closes_it_and_nothing_is_clean(guarded: System, clamd: OwnClamd) -> None:
    """F15."""
    clamd.start()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m,mode=777", "tmpfs", str(clamd.temporary)],
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        pytest.skip(f"mounting is not permitted here: {mounted.stderr.strip()}")
    try:
        closed = tend_later(guarded)
        large = make_tgz({"large": os.urandom(8 * MIB)})
        report = examine(clamd.scanner, BytesIO(large), budget=Budget(), connections=2)
    finally:
        subprocess.run(["umount", "--lazy", str(clamd.temporary)], check=True)
    assert not closed.open
    assert not any(each["missed"] for each in closed.probes)
    assert report.verdict is Verdict.UNSCANNABLE
    assert tend_later(guarded, 16).open


def test_twenty_reloads_lose_no_verdict(clamd: OwnClamd) -> None:
    """F16."""
    clamd.start()
    infected = make_tgz({f"logs/{number}": os.urandom(2_000) for number in range(50)} | {"bad": eicar()})
    clean = make_tgz({f"logs/{number}": os.urandom(200_000) for number in range(20)})

    def verdict(bundle: bytes) -> Verdict:
        return examine(clamd.scanner, BytesIO(bundle), budget=Budget(), connections=2).verdict

    with ThreadPoolExecutor(3) as pool:
        scans = []
        for _ in range(20):
            scans += [(pool.submit(verdict, clean), Verdict.CLEAN)]
            scans += [(pool.submit(verdict, infected), Verdict.INFECTED)]
            command(clamd).reload()
        wrong = [(done.result(60), expected) for done, expected in scans if done.result(60) is not expected]
    assert wrong == []


def command(clamd: OwnClamd) -> clamd_package.ClamdUnixSocket:
    return clamd_package.ClamdUnixSocket(clamd.address.removeprefix("unix:"))
