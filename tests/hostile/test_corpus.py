"""The corpus of hostile archives through the real clamd: T20-T22, T25."""

import os
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from app.adapters.scanner import ClamdScanner
from app.bundle.budget import Budget
from app.domain.verdict import StreamVerdict, Verdict
from tests.factories.hostile import CATEGORIES, CORPUS
from tests.factories.hostile.case import GOOD, MIB, Case
from tests.factories.hostile.raw import tgz
from tests.fakes import FakeScanner
from tests.hostile.harness import outcome


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_every_hostile_archive_gets_its_verdict(
    clamd_address: str, case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T20, T21, T22: the verdict and why, in bounded time and memory, with nothing written."""
    monkeypatch.chdir(tmp_path)
    bundle = case.build()
    result = outcome(ClamdScanner(clamd_address, timeout=60), bundle, case.budget)
    report = result.report
    assert report.verdict in case.verdicts, report
    if report.verdict is Verdict.UNSCANNABLE:
        assert report.obstacle is not None
        assert not case.obstacles or report.obstacle in case.obstacles, report
        assert (report.reason or "").endswith("."), "people are told why"
    if case.findings:
        assert tuple(finding.member for finding in report.findings) == case.findings
    assert report.size == len(bundle), "the digest is of the whole object"
    assert result.seconds < case.seconds
    assert result.growth < case.growth
    assert result.written == ()
    assert result.threads == 0
    assert os.listdir(tmp_path) == []  # noqa: PTH208


class Wasteful(FakeScanner):
    """Takes memory, writes a file beside everything, and leaves a thread."""

    def scan(self, chunks: Iterable[bytes | memoryview]) -> StreamVerdict:
        bytearray(b"x") * (100 * MIB)
        Path("here").write_bytes(b"x")
        threading.Thread(target=OVER.wait, args=(10,)).start()
        return super().scan(chunks)


OVER = threading.Event()


def test_what_a_scan_costs_and_touches_is_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Or the bounds above would hold for nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path.parent / "temp"))
    result = outcome(Wasteful(), tgz(GOOD), Budget())
    OVER.set()
    assert result.report.verdict is Verdict.CLEAN
    assert result.growth > 95 * MIB
    assert result.written == (str(tmp_path / "here"),)
    assert result.threads == 1


def test_the_corpus_is_large_and_says_one_thing_each() -> None:
    assert len(CORPUS) >= 120
    assert max(Counter(case.name for case in CORPUS).values()) == 1
    assert all(CATEGORIES.values())
    assert {verdict for case in CORPUS for verdict in case.verdicts} == set(Verdict)
