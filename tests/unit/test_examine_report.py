"""What a report says besides the verdict: which entry, which obstacle, how much, and to the table."""

import gzip
import io
import tarfile

import pytest

from app.bundle.budget import Budget
from app.bundle.table import Entry
from app.domain.verdict import Finding, Obstacle, StreamResult, StreamVerdict, Verdict
from app.services.scanning import examine as module
from app.services.scanning import sending
from app.services.scanning.examine import examine
from app.services.scanning.reading import budget_of
from app.services.scanning.sending import MIB
from app.services.scanning.tally import MOST_FINDINGS
from tests.factories.bundles import make_tar, make_tgz
from tests.fakes import FakeScanner
from tests.unit.test_examine import BAD, BIG, Unsteady, many, scan
from tests.unit.test_settings import make


class Kept:
    """A table in memory."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget everything."""
        self.entries: list[Entry] = []
        self.findings: list[tuple[str, int | None, str, str]] = []

    def add(self, entry: Entry) -> None:
        """Keep it."""
        self.entries.append(entry)

    def finding(self, member: str, entry: int | None, result: str, detail: str) -> None:
        """Keep it."""
        self.findings.append((member, entry, result, detail))


def tabled(bundle: bytes, scanner: FakeScanner | None = None) -> Kept:
    kept = Kept()
    source = io.BytesIO(bundle)
    examine(scanner or FakeScanner(), source, budget=Budget(), connections=2, table=kept)
    return kept


@pytest.mark.parametrize(
    ("budget", "bundle", "obstacle"),
    [
        (Budget(ratio=20), make_tgz({"a": bytes(30_000_000)}), Obstacle.TOO_LARGE),
        (Budget(expanded=9_999), make_tgz({"a": b"x"}), Obstacle.TOO_LARGE),
        (Budget(members=4), make_tgz(many(5)), Obstacle.TOO_MANY_FILES),
        (Budget(path=9), make_tgz({"ten/ten/ten": b""}), Obstacle.PATH_TOO_LONG),
        (Budget(seconds=0), make_tgz({"a": b"x"}), Obstacle.TOO_SLOW),
        (Budget(), make_tgz(many(5))[:-20], Obstacle.DAMAGED),
        (Budget(), gzip.compress(make_tar({"a": b"b"})[:900]), Obstacle.DAMAGED),
        (Budget(), make_tgz(many(5)) + b"more", Obstacle.MALFORMED),
        (Budget(), gzip.compress(make_tar({"a": b"b"}) + b"more"), Obstacle.MALFORMED),
        (Budget(), make_tgz({}), Obstacle.MALFORMED),
    ],
    ids=[
        "ratio",
        "bytes",
        "members",
        "path",
        "seconds",
        "gzip-cut",
        "tar-cut",
        "gzip-more",
        "tar-more",
        "empty",
    ],
)
def test_every_reason_has_its_obstacle(budget: Budget, bundle: bytes, obstacle: Obstacle) -> None:
    """T22."""
    report = scan(bundle, budget=budget)
    assert (report.verdict, report.obstacle) == (Verdict.UNSCANNABLE, obstacle)
    assert report.reason
    assert not report.complete


@pytest.mark.parametrize(
    ("result", "detail", "obstacle", "words"),
    [
        (StreamResult.LIMIT, "Heuristics.Limits.Exceeded.MaxRecursion", Obstacle.TOO_DEEP, "levels deep"),
        (StreamResult.LIMIT, "Heuristics.Limits.Exceeded.MaxFiles", Obstacle.TOO_MANY_FILES, "too many"),
        (StreamResult.LIMIT, "Heuristics.Limits.Exceeded.MaxScanSize", Obstacle.TOO_LARGE, "expanded"),
        (StreamResult.LIMIT, "Heuristics.Limits.Exceeded.MaxScanTime", Obstacle.TOO_SLOW, "too long"),
        (StreamResult.LIMIT, "Heuristics.Limits.Exceeded", Obstacle.LIMIT, "stopped at a limit"),
        (StreamResult.ENCRYPTED, "Heuristics.Encrypted.Zip", Obstacle.ENCRYPTED, "unencrypted"),
        (StreamResult.ERROR, "no answer", Obstacle.SCANNER_ERROR, "no verdict"),
    ],
)
def test_every_answer_of_the_scanner_has_its_obstacle(
    result: StreamResult, detail: str, obstacle: Obstacle, words: str
) -> None:
    """T23."""
    scanner = FakeScanner()
    scanner.answers[b"odd one"] = StreamVerdict(result, detail)
    report = scan(make_tgz({"a": b"fine", "b": b"odd one"}), scanner)
    assert (report.verdict, report.obstacle) == (Verdict.UNSCANNABLE, obstacle)
    assert words in (report.reason or "")
    assert detail in (report.reason or "")


def test_a_clean_and_an_infected_report_have_no_obstacle() -> None:
    assert scan(make_tgz(many(3))).obstacle is None
    report = scan(make_tgz(many(3, bad=BAD)))
    assert (report.obstacle, report.reason, report.complete) == (None, None, True)


def test_complete_means_that_all_else_is_proven_clean() -> None:
    scanner = FakeScanner()
    scanner.answers[b"secret"] = StreamVerdict(StreamResult.ENCRYPTED, "Zip")
    assert scan(make_tgz(many(3))).complete
    assert not scan(make_tgz(many(3, bad=BAD, locked=b"secret")), scanner).complete
    assert not scan(make_tgz({"bad": BAD, "big": BIG})[:-30]).complete
    assert not scan(make_tgz({str(number): BAD + b"%d" % number for number in range(MOST_FINDINGS)})).complete


def test_entries_are_numbered_in_the_order_of_the_tar() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.PAX_FORMAT) as tar:
        for number, name in enumerate(["same", "same", "folder", "attributed", "same"]):
            info = tarfile.TarInfo(name)
            if name == "folder":
                info.type = tarfile.DIRTYPE
            elif number:
                info.size = len(BAD)
            if name == "attributed":
                info.size = 0
                info.pax_headers = {"SCHILY.xattr.user.a": BAD.decode()}
            tar.addfile(info, io.BytesIO(BAD))
    report = scan(buffer.getvalue())
    found = [(finding.member, finding.entry) for finding in report.findings]
    assert sorted(found, key=str) == [("attributed (attributes)", 3), ("same", 1), ("same", 4)]
    trailing = scan(gzip.compress(make_tar({"a": b"x"}) + BAD)).findings
    assert trailing == (Finding("(data after the end of the archive)", "Fake.Malware", None),)


def test_equal_contents_are_scanned_once_and_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "SHARD_PARTS", 50)
    scanner = FakeScanner()
    report = scan(make_tgz({str(number): b"same" * 500 for number in range(5_000)}), scanner)
    assert (report.verdict, report.bytes_scanned, report.members_scanned) == (
        Verdict.CLEAN,
        5_000 * 2_000,
        5_000,
    )
    assert sum(scanner.streams) < 2_500_000
    infected = scan(make_tgz({str(number): BAD for number in range(120)}))
    assert {finding.member for finding in infected.findings} == {str(number) for number in range(120)}
    assert infected.complete


def test_members_in_windows_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "WINDOW", 3 * MIB)
    monkeypatch.setattr(sending, "OVERLAP", MIB)
    files = make_tgz({"core": BIG * 4, "small": b"x", "log.gz": gzip.compress(BIG * 4)})
    report = scan(files, budget=Budget(ratio=9_999))
    assert (report.verdict, report.windowed) == (Verdict.CLEAN, 2)
    for head in (b"PK\x03\x04", bytes(512) + b"EFI PART", bytes(32_769) + b"CD001"):
        packed = scan(make_tgz({"an archive": head + BIG * 4}))
        assert (packed.obstacle, packed.windowed, packed.complete) == (Obstacle.TOO_LARGE, 1, False)


def test_the_table_is_told_of_everything() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.PAX_FORMAT) as tar:
        for name, type_, size, link in [
            ("dir", tarfile.DIRTYPE, 0, ""),
            ("/abs/file", tarfile.REGTYPE, 5, ""),
            ("../up", tarfile.SYMTYPE, 0, "/etc/passwd"),
            ("hard", tarfile.LNKTYPE, 0, "d" * 150),
            ("pipe", tarfile.FIFOTYPE, 0, ""),
            ("tty", tarfile.CHRTYPE, 0, ""),
        ]:
            info = tarfile.TarInfo(name)
            info.type, info.size, info.linkname = type_, size, link
            info.mode, info.mtime = 0o4755, 1_700_000_000.5
            tar.addfile(info, io.BytesIO(b"12345"))
        inner = make_tgz({"in/side": b"text"})
        info = tarfile.TarInfo("inner.tgz")
        info.size = len(inner)
        tar.addfile(info, io.BytesIO(inner))
        info = tarfile.TarInfo("old.gz")
        info.size = len(gzip.compress(b"content"))
        tar.addfile(info, io.BytesIO(gzip.compress(b"content", mtime=9)))
    bundle = buffer.getvalue()
    table = tabled(bundle)
    rows = [(e.number, e.path, e.kind, e.size, e.link, e.depth) for e in table.entries]
    assert rows == [
        (0, "dir/", "directory", 0, None, 0),
        (1, "/abs/file", "file", 5, None, 0),
        (2, "../up", "symlink", 0, "/etc/passwd", 0),
        (3, "hard", "hardlink", 0, "d" * 150, 0),
        (4, "pipe", "fifo", 0, None, 0),
        (5, "tty", "device", 0, None, 0),
        (6, "inner.tgz", "file", len(inner), None, 0),
        (6, "inner.tgz!/in/side", "file", 4, None, 1),
        (7, "old.gz", "file", info.size, None, 0),
        (7, "old.gz!/old", "file", 7, None, 1),
    ]
    tar_bytes = gzip.decompress(bundle)
    for entry in table.entries:
        if entry.depth:
            assert entry.offset == -1
        if entry.path == "/abs/file":
            assert tar_bytes[entry.offset : entry.offset + 5] == b"12345"
            assert (entry.mode, entry.modified) == (0o4755, 1_700_000_000)
    assert table.entries[-1].modified == 9


def test_the_table_is_told_of_attributes_and_what_follows_the_end() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("file")
        info.pax_headers = {"comment": "note"}
        tar.addfile(info)
    table = tabled(gzip.compress(buffer.getvalue() + BAD))
    assert [(e.number, e.kind, e.size) for e in table.entries] == [
        (0, "attributes", 4),
        (0, "file", 0),
        (None, "trailing", len(BAD)),
    ]
    trailing = table.entries[-1]
    assert trailing.offset == len(buffer.getvalue())
    assert table.findings == [(trailing.path, None, "infected", "Fake.Malware")]


def test_the_table_has_one_pass_only_and_the_findings_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    unsteady = tabled(make_tgz(many(9)), Unsteady())
    assert [entry.number for entry in unsteady.entries] == list(range(9))
    monkeypatch.setattr(module, "ALONE", 500)
    monkeypatch.setattr(module, "HELD", 1_000)
    table = tabled(make_tgz({"cut.tgz": make_tgz({"bad": BAD, "more": bytes(range(256)) * 9})[:-5]}))
    assert table.findings == [("cut.tgz!/bad", 0, "infected", "Fake.Malware")]


def test_budgets_come_from_the_settings() -> None:
    settings = make()
    assert budget_of(settings) == Budget()
    changed = settings.model_copy(update={"bundle_ratio": 7, "bundle_depth": 2, "bundle_seconds": 9})
    assert budget_of(changed) == Budget(ratio=7, depth=2, seconds=9)
