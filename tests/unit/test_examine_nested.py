"""Archives within archives: opened here to a depth, named, counted, and never the way past the scanner."""

import gzip
import random
import re
import tarfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.bundle.budget import Budget
from app.domain.verdict import Finding, Obstacle, StreamResult, StreamVerdict, Verdict
from app.services.scanning import examine as module
from tests.factories.bundles import make_tar, make_tgz
from tests.fakes import FakeScanner
from tests.unit.test_examine import BAD, BIG, many, scan

NOISE = random.Random(3).randbytes(3_000_000)


@pytest.fixture(autouse=True)
def _small_is_large(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let archives from 20 kB be streamed where a test asks for it."""
    if "streamed" in request.fixturenames and request.getfixturevalue("streamed"):
        monkeypatch.setattr(module, "ALONE", 5_000)
        monkeypatch.setattr(module, "HELD", 20_000)


both = pytest.mark.parametrize("streamed", [False, True])


@both
@pytest.mark.parametrize("depth", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("pack", [make_tgz, make_tar], ids=["tgz", "tar"])
def test_archives_are_opened_to_the_depth_and_members_named(depth: int, pack: object, streamed: bool) -> None:
    """T20."""
    content = {"first": b"x", "bad": BAD, "noise": NOISE[:90_000], "last": b"y"}
    for level in range(depth):
        make = make_tgz if pack is make_tgz else make_tar
        content = {"before": b"", f"l{level}.a": make(content), "after": NOISE[:30_000]}
    report = scan(make_tgz(content))
    path = "".join(f"l{level}.a!/" for level in reversed(range(depth))) + "bad"
    assert report.findings == (Finding(path, "Fake.Malware", 1),)
    assert report.complete
    assert report.bytes_scanned == report.bytes_expanded
    assert report.members_total == len(content)


def test_deeper_ones_are_left_to_the_scanner() -> None:
    content = make_tgz({"bad": BAD})
    for _ in range(3):
        content = make_tgz({"inner.tgz": content})
    bundle = make_tgz({"inner.tgz": content})
    assert scan(bundle, budget=Budget(depth=4)).verdict is Verdict.INFECTED
    scanner = FakeScanner()
    scanner.answers[b"\x1f\x8b"] = StreamVerdict(
        StreamResult.LIMIT, "Heuristics.Limits.Exceeded.MaxRecursion"
    )
    report = scan(bundle, scanner, Budget(depth=3))
    assert (report.verdict, report.obstacle) == (Verdict.UNSCANNABLE, Obstacle.TOO_DEEP)
    assert "inner.tgz!/inner.tgz!/inner.tgz!/inner.tgz\u201d holds archives" in (report.reason or "")


@both
def test_the_content_of_a_gzip_file_is_named_after_it(streamed: bool) -> None:
    report = scan(make_tgz({"log/syslog.1.gz": gzip.compress(NOISE + BAD), "odd": gzip.compress(BAD)}))
    assert {finding.member: finding.entry for finding in report.findings} == {
        "log/syslog.1.gz!/syslog.1": 0,
        "odd!/odd": 1,
    }
    twice = scan(make_tgz({"a.gz.gz": gzip.compress(gzip.compress(NOISE[:40_000] + BAD))}))
    assert [finding.member for finding in twice.findings] == ["a.gz.gz!/a.gz!/a"]


@both
def test_nested_bytes_count_besides_those_of_the_archive(streamed: bool) -> None:
    inner = make_tgz({"a": NOISE[:50_000], "b": b"text"})
    report = scan(make_tgz({"inner.tgz": inner, "c.gz": gzip.compress(b"c" * 999)}))
    assert report.verdict is Verdict.CLEAN
    size = 50_004 + len(inner) + 999 + len(gzip.compress(b"c" * 999))
    assert (report.bytes_expanded, report.bytes_scanned) == (size, size)
    assert (report.members_total, report.members_scanned) == (2, 2)


@both
def test_concatenated_gzip_members_and_tars_within(streamed: bool) -> None:
    two = gzip.compress(NOISE[:30_000]) + gzip.compress(BAD)
    assert scan(make_tgz({"a.gz": two})).findings == (Finding("a.gz!/a", "Fake.Malware", 0),)
    tars = make_tar({"x": NOISE[:30_000]}) + make_tar({"y": BAD})
    assert scan(make_tgz({"t": tars})).findings == (Finding("t!/y", "Fake.Malware", 0),)


@both
@pytest.mark.parametrize("noise", [100, 60_000])
def test_one_that_is_cut_off_goes_to_the_scanner_as_it_is(streamed: bool, noise: int) -> None:
    """Rotated logs are often cut off; everybody sees the same of them."""
    cut = make_tgz({"a": NOISE[:noise], "b": NOISE[:noise]})[:-40]
    bundle = make_tgz({"first": b"1", "cut.tgz": cut, "last": b"2"})
    scanner = FakeScanner()
    report = scan(bundle, scanner)
    assert (report.verdict, report.complete, report.reason) == (Verdict.CLEAN, True, None)
    assert report.bytes_scanned == report.bytes_expanded
    scanner.answers[cut[10:60]] = StreamVerdict(StreamResult.INFECTED, "Fake.Packed")
    assert scan(bundle, scanner).findings == (Finding("cut.tgz", "Fake.Packed", 1),)
    # What was found in the first part stands, though a second pass does not look in there.
    bad = make_tgz({"b": BAD, "c": NOISE[:noise], "d": NOISE[:noise]})[:-40]
    assert scan(make_tgz({"cut.tgz": bad})).findings == (Finding("cut.tgz!/b", "Fake.Malware", 0),)


@both
@pytest.mark.parametrize(
    "archive",
    [
        make_tgz({"a": NOISE[:30_000]}) + b"junk" * 50,
        gzip.compress(NOISE[:30_000]) + b"PK\x03\x04" + bytes(99),
        make_tar({"a": NOISE[:30_000]}) + b"junk" * 500,
        make_tar({"a": bytes(30_208), "b": b"1"}).replace(b"b\0", b"c\0", 1),
    ],
    ids=["tgz and more", "gz and more", "tar and more", "wrong checksum"],
)
def test_one_that_two_readers_read_differently_is_never_clean(streamed: bool, archive: bytes) -> None:
    report = scan(make_tgz({"first": b"1", "odd": archive, "last": b"2"}))
    assert (report.verdict, report.obstacle) == (Verdict.UNSCANNABLE, Obstacle.MALFORMED)
    assert "In \u201codd\u201d: The archive is" in (report.reason or "")
    assert not report.complete


@both
def test_damage_to_the_bundle_is_no_damage_to_the_archive_in_it(streamed: bool) -> None:
    whole = make_tgz({"inner.tgz": make_tgz({"a": NOISE[:400_000]})})
    report = scan(whole[:300_000])
    assert (report.verdict, report.obstacle) == (Verdict.UNSCANNABLE, Obstacle.DAMAGED)
    assert "damaged at byte 300,000" in (report.reason or "")


def test_bombs_within_are_stopped() -> None:
    """T22."""
    bomb = gzip.compress(bytes(40_000_000), 9)
    report = scan(make_tgz({"bomb.gz": bomb, "again.tgz": make_tgz({"bomb.gz": bomb})}))
    assert (report.verdict, report.obstacle) == (Verdict.UNSCANNABLE, Obstacle.TOO_LARGE)
    crowd = make_tgz({"crowd.tgz": make_tgz(many(30))})
    assert scan(crowd, budget=Budget(members=20)).obstacle is Obstacle.TOO_MANY_FILES


def test_not_every_file_that_begins_like_gzip_is_one() -> None:
    scanner = FakeScanner()
    files = {"a": b"\x1f\x8b", "b": b"\x1f\x8b\x08\xff" + NOISE[:99], "c": b"\x1f\x8b\x08\0" + BIG}
    report = scan(make_tgz(files), scanner)
    assert report.verdict is Verdict.CLEAN
    assert report.bytes_expanded == sum(map(len, files.values()))


class Prefix(FakeScanner):
    """Sees what a gzip file unfolds to as far as it goes, wherever it lies, as an engine does."""

    def scan(self, chunks: object) -> StreamVerdict:
        data = b"".join(chunks)  # type: ignore[arg-type]
        unfolded = [prefix(data[found.start() :]) for found in re.finditer(b"\x1f\x8b\x08\0", data)]
        return super().scan([data, *unfolded])


def prefix(data: bytes) -> bytes:
    """Return what a damaged gzip file gives."""
    inflater, seen = zlib.decompressobj(31), b""
    try:
        for start in range(0, len(data), 8):
            seen += inflater.decompress(data[start : start + 8])
    except zlib.error:
        pass
    return seen


names = st.sampled_from(["a", "b.gz", "./c", "../d", "/e", "a"])
leaves = st.one_of(st.binary(max_size=300), st.sampled_from([b"", BAD[:4], NOISE[:7_000], NOISE[:30_000]]))
packers = st.sampled_from([make_tar, make_tgz, lambda files: gzip.compress(b"".join(files.values()))])


@st.composite
def infected(draw: st.DrawFn) -> bytes:
    """Draw an archive that holds BAD at a random depth and place."""
    content = draw(st.sampled_from([BAD, NOISE[:6_000] + BAD, BAD + NOISE[:25_000]]))
    for _ in range(draw(st.integers(0, 4))):
        beside = draw(st.lists(st.tuples(names, leaves), max_size=3))
        place = draw(st.integers(0, len(beside)))
        files = dict((*beside[:place], ("bad", content), *beside[place:]))
        pack = draw(packers)
        content = pack(files) if pack in {make_tar, make_tgz} else gzip.compress(content)
    return content


@both
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_marker_at_any_depth_and_place_is_found(data: st.DataObject, streamed: bool) -> None:
    """T20, T25: in tars, tgz and gzip files of any order, whatever lies beside it."""
    beside = dict(data.draw(st.lists(st.tuples(names, leaves), max_size=3)))
    report = scan(make_tgz({**beside, "nested": data.draw(infected()), "last": b"z"}))
    assert report.verdict is Verdict.INFECTED
    assert {finding.entry for finding in report.findings} == {len(beside)}


@both
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_no_damage_hides_what_can_still_be_unfolded(data: st.DataObject, streamed: bool) -> None:
    archive = bytearray(make_tgz({"a": NOISE[:6_000], "bad": BAD, "b": NOISE[:25_000]}))
    at = data.draw(st.integers(0, len(archive) - 1))
    if data.draw(st.booleans()):
        archive[at] ^= data.draw(st.integers(1, 255))
    else:
        del archive[at:]
    report = scan(make_tgz({"odd.tgz": bytes(archive), "last": b"z"}), Prefix())
    if BAD in prefix(bytes(archive)):
        assert report.verdict is not Verdict.CLEAN


@pytest.mark.parametrize("name", [b"MZ\x90" + bytes(57) + b"\0\2\0\0", b"a\0hidden", b"%PDF-1.4"])
def test_a_tar_that_is_something_else_as_well_is_not_clean(name: bytes) -> None:
    """T20: a scanner that is given its contents alone never sees the program, or the document."""
    tar = bytearray(make_tar({"a": b"PE\0\0" + bytes(100)}, tarfile.USTAR_FORMAT))
    tar[: len(name)] = name
    tar[148:156] = b" " * 8
    tar[148:156] = b"%06o\0 " % sum(tar[:512])
    for inner in (bytes(tar), gzip.compress(bytes(tar))):
        assert scan(make_tgz({"evil": inner})).obstacle is Obstacle.MALFORMED
