"""One read of the stored object gives the report, the member table and the seek index: T22, F5, F6."""

import gzip
import io
import os
import random
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from app.bundle import table
from app.bundle.budget import Budget
from app.bundle.members import Members, Noted
from app.bundle.salvage import NOTE, salvage
from app.bundle.seek import SeekIndex, open_at
from app.domain.errors import NotFoundError, StorageFullError
from app.domain.verdict import Obstacle, StreamResult, StreamVerdict, Verdict
from app.ports import Side
from app.services.scanning.reading import PREFIX, read
from app.settings import Settings
from tests.factories.bundles import make_tar, make_tgz
from tests.fakes import FakeScanner
from tests.integration.counting import Store

KEY = "org/upload"
LINES = b"".join(b"%08d something happened\n" % number for number in range(60_000))
FILES = {
    "sos/etc/hostname": b"web-01\n",
    "sos/var/log/messages": LINES,
    "sos/inner.tgz": make_tgz({"deep/file": b"inside"}),
    "sos/noise": random.Random(1).randbytes(300_000),
}


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the directory for temporary files, in which nothing may stay."""
    path = tmp_path / "tmp"
    path.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(path))
    yield path
    assert list(path.iterdir()) == []


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "storage")


def put(store: Store, content: bytes) -> None:
    with store.append(KEY, 0) as sink:
        sink.write(memoryview(content))
        sink.sync()
    store.seal(KEY, len(content))


def members(store: Store, sha256: str) -> Members:
    with store.open_side(KEY, "members") as side:
        return Members(side, of=sha256)


def expanded(store: Store, sha256: str, offset: int, size: int) -> bytes:
    with (
        store.open(KEY)[0] as source,
        store.open_side(KEY, "gzidx") as index,
        open_at(source, index, sha256) as file,
    ):
        file.seek(offset)
        return file.read(size)


def has(store: Store, side: Side) -> bool:
    with suppress(NotFoundError):
        store.open_side(KEY, side).close()
        return True
    return False


def test_a_clean_bundle_in_one_read(store: Store, settings: Settings, scanner: FakeScanner) -> None:
    bundle = make_tgz(FILES)
    put(store, bundle)

    report, version = read(store, scanner, settings, KEY)

    assert report.verdict is Verdict.CLEAN
    assert max(store.read.values()) == 1
    with members(store, report.sha256) as table:
        assert table.about["version"] == version
        assert table.about["walked"] == "yes"
        assert table.folders("sos", limit=10) == ["etc", "inner.tgz!", "var"]
        assert table.find("sos/inner.tgz!/deep/file") is not None
        assert table.findings() == []
        for path, content in FILES.items():
            entry = table.find(path)
            assert entry
            assert entry.size == len(content)
            middle = entry.size // 2
            size = min(200, entry.size - middle)
            window = expanded(store, report.sha256, entry.offset + middle, size)
            assert window == content[middle : middle + size]


def test_the_findings_stand_in_the_table(store: Store, settings: Settings, scanner: FakeScanner) -> None:
    put(store, make_tgz({**FILES, "bad": FakeScanner.MARKER}))
    report, _ = read(store, scanner, settings, KEY)
    assert report.verdict is Verdict.INFECTED
    with members(store, report.sha256) as table:
        assert table.findings() == [Noted("bad", 4, "infected", "Fake.Malware")]
    assert has(store, "gzidx")


def test_what_is_infected_deep_within_is_left_out_whole(
    store: Store, settings: Settings, scanner: FakeScanner
) -> None:
    outer = make_tgz({"a": b"a", "in.tgz": make_tgz({"bad": FakeScanner.MARKER})})
    put(store, make_tgz({"first": b"1", "out.tgz": outer, "last": b"3"}))
    report, _ = read(store, scanner, settings, KEY)
    leave_out = {found.entry: found.signature for found in report.findings if found.entry is not None}
    with store.open(KEY)[0] as source:
        tar = b"".join(salvage(source, leave_out, budget=Budget()))
    with tarfile.open(fileobj=io.BytesIO(tar)) as left:
        assert left.getnames() == ["first", "last", NOTE]
    assert b"out.tgz: infected: Fake.Malware" in tar


def test_a_second_pass_leaves_one_table_and_one_index(
    store: Store, settings: Settings, scanner: FakeScanner
) -> None:
    """The scanner failed on a stream, so the object is read once more: F4 in part."""
    scanner.answers[b"web-01"] = StreamVerdict(StreamResult.ERROR, "odd")
    put(store, make_tgz(FILES))
    report, _ = read(store, scanner, settings, KEY)
    assert report.verdict is Verdict.UNSCANNABLE
    assert max(store.read.values()) > 1
    with members(store, report.sha256) as table:
        assert table.about["walked"] == "no"
        paths = [entry.path for entry in table.entries()]
    assert sorted(paths) == sorted(set(paths))


def test_a_rescan_replaces_what_lies_beside(store: Store, settings: Settings, scanner: FakeScanner) -> None:
    put(store, make_tgz(FILES))
    report, _ = read(store, scanner, settings, KEY)
    scanner.answers[b"something happened"] = StreamVerdict(StreamResult.INFECTED, "New.Signature")
    read(store, scanner, settings, KEY)
    with members(store, report.sha256) as table:
        assert [found.detail for found in table.findings()] == ["New.Signature"]


def test_a_damaged_bundle_has_the_table_as_far_as_it_goes(
    store: Store, settings: Settings, scanner: FakeScanner
) -> None:
    put(store, make_tgz(FILES)[:-20])
    old = Path(tempfile.mkdtemp(prefix=PREFIX))  # of a worker that was killed; it must go as well
    os.utime(old, (0, 0))
    report, _ = read(store, scanner, settings, KEY)
    assert report.obstacle is Obstacle.DAMAGED
    with members(store, report.sha256) as table:
        assert table.about["walked"] == "no"
        assert table.find("sos/etc/hostname")
    assert not has(store, "gzidx")


def test_several_gzip_members(store: Store, settings: Settings, scanner: FakeScanner) -> None:
    tar = make_tar(FILES)
    put(store, b"".join(gzip.compress(tar[at : at + 90_000]) for at in range(0, len(tar), 90_000)))
    report, _ = read(store, scanner, settings, KEY)
    assert report.verdict is Verdict.CLEAN
    assert expanded(store, report.sha256, 777_777, 100_000) == tar[777_777:877_777]


@pytest.mark.parametrize("calls", [1, 3])
def test_what_the_watch_raises_ends_the_scan_unchanged(
    store: Store, settings: Settings, scanner: FakeScanner, calls: int
) -> None:
    """F5: a scan whose lease is lost reads no further and keeps nothing."""
    put(store, make_tgz({"noise": random.Random(2).randbytes(2_000_000)}))
    error = KeyError()
    left = calls

    def watch() -> None:
        nonlocal left
        left -= 1
        if not left:
            raise error

    with pytest.raises(KeyError) as caught:
        read(store, scanner, settings, KEY, watch=watch)

    assert caught.value is error
    assert sum(store.read.values()) == calls - 1
    assert not has(store, "members")
    assert not has(store, "gzidx")


def test_an_object_that_changes_meanwhile_keeps_nothing(
    store: Store, settings: Settings, scanner: FakeScanner, tmp_path: Path
) -> None:
    """T26: neither a verdict nor a table is made of two halves."""
    put(store, make_tgz(FILES))
    path = tmp_path / "storage" / "sealed" / KEY

    def touch() -> None:
        path.chmod(0o600)
        path.chmod(0o400)

    with pytest.raises(RuntimeError, match="changed"):
        read(store, scanner, settings, KEY, watch=touch)
    assert not has(store, "members")


def _full(store: Store, patch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise StorageFullError("The storage is full.")

    patch.setattr(store, "put_side", refuse)


def _no_index(store: Store, patch: pytest.MonkeyPatch) -> None:
    def fail(self: SeekIndex) -> int:
        raise MemoryError

    patch.setattr("app.bundle.seek._LOOK_EVERY", 0)
    patch.setattr(SeekIndex, "_expanded", fail)


def _no_table(store: Store, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(table, "MOST_BYTES", 2 * table._PAGE)


@pytest.mark.parametrize("breaks", [_full, _no_index, _no_table])
def test_no_verdict_depends_on_what_lies_beside(
    store: Store,
    settings: Settings,
    scanner: FakeScanner,
    monkeypatch: pytest.MonkeyPatch,
    breaks: Callable[[Store, pytest.MonkeyPatch], None],
) -> None:
    """F6 in part: a full disk, a broken index or table; the verdict stands."""
    put(store, make_tgz({**FILES, "bad": FakeScanner.MARKER}))
    breaks(store, monkeypatch)
    report, _ = read(store, scanner, settings, KEY)
    assert report.verdict is Verdict.INFECTED
    assert [finding.member for finding in report.findings] == ["bad"]
    assert [has(store, "members"), has(store, "gzidx")].count(True) == (0 if breaks is _full else 1)
