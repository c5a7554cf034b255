"""Verdicts of whole bundles, with a scanner in memory. CLEAN is the exception that must be earned."""

import gzip
import hashlib
import io
import random
import tarfile
import threading
from collections.abc import Iterable

import pytest

from app.bundle.budget import Budget
from app.domain.errors import ScannerUnavailableError
from app.domain.verdict import Finding, ScanReport, StreamResult, StreamVerdict, Verdict
from app.services.scanning import sending
from app.services.scanning.examine import examine
from app.services.scanning.sending import MIB
from app.services.scanning.tally import MOST_FINDINGS
from tests.factories.bundles import make_tar, make_tgz
from tests.fakes import FakeScanner

BAD = b"xx" + FakeScanner.MARKER
BIG = bytes(range(256)) * 8192  # 2 MiB


def scan(bundle: bytes, scanner: FakeScanner | None = None, budget: Budget | None = None) -> ScanReport:
    return examine(scanner or FakeScanner(), io.BytesIO(bundle), budget=budget or Budget(), connections=3)


def many(count: int, **more: bytes) -> dict[str, bytes]:
    return {f"logs/{number}": b"line %d\n" % number * 20 for number in range(count)} | more


def test_clean_means_every_entry_and_every_byte() -> None:
    files = many(50, big=BIG, empty=b"")
    bundle = make_tgz(files)
    scanner = FakeScanner()
    report = scan(bundle, scanner)
    size = sum(map(len, files.values()))
    assert report.verdict is Verdict.CLEAN
    assert (report.members_total, report.members_scanned) == (52, 52)
    assert (report.bytes_expanded, report.bytes_scanned) == (size, size)
    assert (report.sha256, report.size) == (hashlib.sha256(bundle).hexdigest(), len(bundle))
    assert report.reason is None
    assert len(scanner.streams) == 2  # the big one by itself, all others in one shard


@pytest.mark.parametrize("position", [0, 1, 500, 998, 999])
def test_a_hit_among_small_members_is_named(position: int) -> None:
    files = many(1000)
    files[f"logs/{position}"] = BAD
    report = scan(make_tgz(files))
    assert report.verdict is Verdict.INFECTED
    assert report.findings == (Finding(f"logs/{position}", "Fake.Malware", position),)
    assert report.reason is None


def test_hits_in_large_members_and_in_several_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "SHARD_MEMBERS", 10)
    files = many(100, a=BIG + BAD, b=BAD, z=BAD + BIG)
    assert [finding.member for finding in scan(make_tgz(files)).findings] == ["a", "b", "z"]


def test_the_list_of_findings_ends_somewhere() -> None:
    report = scan(make_tgz({str(number): BAD for number in range(MOST_FINDINGS + 500)}))
    assert report.verdict is Verdict.INFECTED
    assert len(report.findings) == MOST_FINDINGS


def test_an_unsound_archive_within_is_left_to_the_engine() -> None:
    inner = make_tgz({"a": b"content"})
    scanner = FakeScanner()
    scanner.answers[inner[20:40]] = StreamVerdict(StreamResult.INFECTED, "Fake.Packed")
    assert scan(make_tgz({"inner.tgz": inner + b"junk"}), scanner).findings == (
        Finding("inner.tgz", "Fake.Packed", 0),
    )


def test_data_after_the_archive_is_scanned_and_never_clean() -> None:
    plain = make_tar({"a": b"fine"})
    hidden = scan(gzip.compress(plain + BAD))
    assert (hidden.verdict, hidden.findings[0].member) == (
        Verdict.INFECTED,
        "(data after the end of the archive)",
    )
    assert scan(gzip.compress(plain + b"junk")).verdict is Verdict.UNSCANNABLE
    assert scan(gzip.compress(plain) + gzip.compress(make_tar({"b": BAD}))).verdict is Verdict.INFECTED


@pytest.mark.parametrize(
    ("bundle", "words"),
    [
        (make_tgz(many(10))[:-9], "damaged at byte"),
        (make_tgz(many(10, big=BIG))[:4000], "damaged at byte"),
        (gzip.compress(make_tar({"small": b"content" * 500})[:2000]), "ends within a file"),
        (gzip.compress(make_tar({"big": BIG})[:-9000]), "ends"),
        (gzip.compress(make_tar({"big": BIG})[: len(BIG) // 2]), "ends within a file"),
        (make_tgz(many(10)) + b"more", "not well-formed"),
        (make_tgz({}), "empty"),
        (b"", "damaged"),
        (b"text", "not gzip"),
        (gzip.compress(b"text" * 1000), "checksum"),
        (make_tgz({"zeros": bytes(50_000_000)}), "200 times"),
    ],
    ids=lambda value: value if isinstance(value, str) else "bundle",  # gzip puts the time into the bytes
)
def test_what_cannot_be_read_is_unscannable_with_a_sentence(bundle: bytes, words: str) -> None:
    report = scan(bundle)
    assert report.verdict is Verdict.UNSCANNABLE
    assert report.reason is not None
    assert words in report.reason
    assert report.reason.endswith(".")
    assert (report.sha256, report.size) == (hashlib.sha256(bundle).hexdigest(), len(bundle))


def test_infection_found_before_the_damage_counts() -> None:
    whole = make_tgz({"bad": BAD, "noise": random.Random(1).randbytes(500_000), "more": BIG})
    assert scan(whole[:-30]).verdict is Verdict.INFECTED


def test_over_budget() -> None:
    report = scan(make_tgz(many(10)), budget=Budget(members=9))
    assert (report.verdict, report.reason) == (
        Verdict.UNSCANNABLE,
        "The archive holds more than 9 files and folders. Please send it in smaller parts.",
    )


@pytest.mark.parametrize("result", [StreamResult.LIMIT, StreamResult.ENCRYPTED, StreamResult.ERROR])
@pytest.mark.parametrize("content", [b"odd one", b"odd one" + BIG])
def test_whatever_is_not_clean_is_unscannable_and_named(result: StreamResult, content: bytes) -> None:
    scanner = FakeScanner()
    scanner.answers[b"odd one"] = StreamVerdict(result, "why")
    files = {"odd": content} | many(5)
    report = scan(make_tgz(files), scanner)
    assert report.verdict is Verdict.UNSCANNABLE
    assert "\u201codd\u201d" in (report.reason or "")
    assert "why" in (report.reason or "")
    assert report.bytes_scanned < report.bytes_expanded


def test_infected_outranks_encrypted() -> None:
    scanner = FakeScanner()
    scanner.answers[b"secret"] = StreamVerdict(StreamResult.ENCRYPTED, "Zip")
    assert scan(make_tgz({"a": b"secret", "b": BAD}), scanner).verdict is Verdict.INFECTED


class Unsteady(FakeScanner):
    """Fails on the first stream, and not again."""

    def scan(self, chunks: Iterable[bytes | memoryview]) -> StreamVerdict:
        verdict = super().scan(chunks)
        return verdict if len(self.streams) > 1 else StreamVerdict(StreamResult.ERROR, "busy")


def test_a_failing_scanner_gets_a_second_pass() -> None:
    assert scan(make_tgz(many(9)), Unsteady()).verdict is Verdict.CLEAN


class Hasty(FakeScanner):
    """Says clean without having listened to the end."""

    def scan(self, chunks: Iterable[bytes | memoryview]) -> StreamVerdict:
        next(iter(chunks))
        return StreamVerdict(StreamResult.CLEAN)


@pytest.mark.parametrize("files", [many(5), {"big": BIG * 4}])
def test_clean_before_the_end_is_not_clean(files: dict[str, bytes]) -> None:
    assert scan(make_tgz(files), Hasty()).verdict is Verdict.UNSCANNABLE


def test_a_signature_seen_only_in_company_is_not_forgotten() -> None:
    scanner = FakeScanner()
    scanner.answers = {b"000001": StreamVerdict(StreamResult.INFECTED, "Odd")}  # it is in our tar header
    assert scan(make_tgz(many(2)), scanner).verdict is Verdict.UNSCANNABLE


@pytest.mark.parametrize("files", [many(5), {"big": BIG * 20}, {str(n): BIG for n in range(10)}])
def test_an_absent_scanner_is_no_verdict_and_leaves_no_thread(files: dict[str, bytes]) -> None:
    class Vanishing(FakeScanner):
        def scan(self, chunks: Iterable[bytes | memoryview]) -> StreamVerdict:
            self.down = True
            return super().scan(chunks)

    with pytest.raises(ScannerUnavailableError):
        scan(make_tgz(files), Vanishing())
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("scan")]


def test_members_over_the_cap_go_in_overlapping_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "WINDOW", 3 * MIB)
    monkeypatch.setattr(sending, "OVERLAP", MIB)
    scanner = FakeScanner()
    report = scan(make_tgz({"core": BIG * 4}), scanner)
    assert report.verdict is Verdict.CLEAN
    assert report.bytes_scanned == 8 * MIB
    assert len(scanner.streams) > 2
    assert max(scanner.streams) < 4.5 * MIB
    for split in range(3 * MIB - 20, 3 * MIB + 10):
        infected = bytearray(BIG * 4)
        infected[split : split + len(BAD)] = BAD
        assert scan(gzip.compress(make_tar({"core": bytes(infected)}), 0)).verdict is Verdict.INFECTED
    packed = scan(make_tgz({"inner.zip": b"PK\x03\x04" + BIG * 4}))
    assert (packed.verdict, "zip archive" in (packed.reason or "")) == (Verdict.UNSCANNABLE, True)


def test_sparse_files_are_scanned_and_never_clean() -> None:
    def sparse(content: bytes) -> bytes:
        info = tarfile.TarInfo("sparse")
        info.size = len(content)
        info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            tar.addfile(info, io.BytesIO(content))
        return buffer.getvalue()

    assert scan(sparse(b"stored")).verdict is Verdict.UNSCANNABLE
    assert scan(sparse(BAD)).verdict is Verdict.INFECTED
