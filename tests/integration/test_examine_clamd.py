"""Real bundles through a real clamd: T20, T21, T25."""

import gzip
import io
import random
import tarfile
from pathlib import Path

import pytest

from app.adapters.scanner import ClamdScanner
from app.bundle.budget import Budget
from app.domain.verdict import Obstacle, ScanReport, Verdict
from app.services.scanning.examine import examine
from tests.factories.bundles import make_tar, make_tgz, repack
from tests.factories.eicar import eicar
from tests.live import BUNDLES

REAL = sorted(BUNDLES.glob("*gz"))


def scan(address: str, bundle: bytes) -> ScanReport:
    scanner = ClamdScanner(address, timeout=60)
    return examine(scanner, io.BytesIO(bundle), budget=Budget(), connections=4)


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_real_bundles_are_clean_to_the_last_byte(clamd_address: str, path: Path) -> None:
    report = scan(clamd_address, path.read_bytes())
    with tarfile.open(path) as tar:
        assert report.members_total == len(tar.getmembers())
    assert report.verdict is Verdict.CLEAN, report.reason
    assert report.members_scanned == report.members_total
    assert report.bytes_scanned == report.bytes_expanded > 0


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_one_infected_member_of_a_real_bundle_is_named(clamd_address: str, path: Path) -> None:
    bundle = path.read_bytes()
    with tarfile.open(path) as tar:
        files = [info.name for info in tar if info.isreg()]
    victim = files[len(files) * 2 // 3]
    report = scan(clamd_address, repack(bundle, {victim: eicar()}))
    assert report.verdict is Verdict.INFECTED
    assert [finding.member for finding in report.findings] == [victim]
    assert "eicar" in report.findings[0].signature.lower()


@pytest.mark.parametrize("depth", [1, 2, 3, 6])
def test_depth(clamd_address: str, depth: int) -> None:
    content = eicar()
    for _ in range(depth):
        content = make_tgz({"before": b"x" * 999, "inner": content, "after": b"y" * 999})
    assert scan(clamd_address, content).verdict is Verdict.INFECTED


def test_archives_nested_too_deep_are_held_and_named(clamd_address: str) -> None:
    """T22."""
    content = eicar()
    for _ in range(40):
        content = make_tgz({"inner": content})
    report = scan(clamd_address, content)
    assert (report.verdict, report.obstacle) == (Verdict.UNSCANNABLE, Obstacle.TOO_DEEP)
    assert "inner!/inner!/inner!/inner!/inner\u201d holds archives" in (report.reason or "")


@pytest.mark.parametrize("noise", [1_000, 9_000_000])
@pytest.mark.parametrize("first", [False, True])
def test_a_cut_off_archive_within_is_scanned_as_far_as_it_goes(
    clamd_address: str, noise: int, *, first: bool
) -> None:
    """Also where the cut goes through the infected file, which is the scanner's to unfold then."""
    padding = random.Random(noise).randbytes(noise)
    files = {"bad": eicar(), "pad": padding} if first else {"pad": padding, "bad": eicar() + padding[::-1]}
    archive = make_tgz(files)[:-500]
    report = scan(clamd_address, make_tgz({"cut.tgz": archive, "last": b"z"}))
    assert report.verdict is Verdict.INFECTED
    assert {finding.entry for finding in report.findings} == {0}
    clean = scan(clamd_address, make_tgz({"cut.tgz": make_tgz({"pad": padding})[:-500], "last": b"z"}))
    assert (clean.verdict, clean.complete) == (Verdict.CLEAN, True)


def test_places_where_a_reader_might_not_look(clamd_address: str) -> None:
    plain = make_tar({"a": b"fine"})
    for bundle in (
        gzip.compress(plain) + make_tgz({"b": eicar()}),
        gzip.compress(plain + make_tar({"b": eicar()})),
        gzip.compress(plain + eicar()),
    ):
        assert scan(clamd_address, bundle).verdict is Verdict.INFECTED


@pytest.mark.parametrize(
    "first",
    [
        b"EFI PART",
        b"\x7fELF",
        b"PK\x03\x04",
        b"\x1f\x8b\x08",
        b"Rar!\x1a\x07\0",
        b"%PDF-1.4",
        b"MZ",
        b"<html>",
    ],
)
@pytest.mark.parametrize("place", [0, 31_745, 32_257])
def test_a_member_cannot_disguise_the_shard_it_lies_in(clamd_address: str, first: bytes, place: int) -> None:
    disguise = bytes(place) + first + b"CD001" + bytes(600)
    assert scan(clamd_address, make_tgz({"disguise": disguise, "bad": eicar()})).verdict is Verdict.INFECTED


def test_an_encrypted_member_is_held_not_called_a_virus(clamd_address: str) -> None:
    # A stored zip entry with its "encrypted" flag set is all that clamd goes by.
    name, content = b"a.txt", bytes(range(40))
    sizes = len(content).to_bytes(4, "little") * 2 + len(name).to_bytes(2, "little") + bytes(2)
    local = b"PK\3\4\x14\0\1\0\0\0" + bytes(4) + b"\1\2\3\4" + sizes + name + content
    central = b"PK\1\2\x14\0\x14\0\1\0\0\0" + bytes(4) + b"\1\2\3\4" + sizes + bytes(14) + name
    end = b"PK\5\6" + bytes(4) + b"\1\0\1\0" + len(central).to_bytes(4, "little")
    locked = local + central + end + len(local).to_bytes(4, "little") + bytes(2)
    report = scan(clamd_address, make_tgz({"notes": b"fine", "locked.zip": locked}))
    assert report.verdict is Verdict.UNSCANNABLE
    assert "\u201clocked.zip\u201d is encrypted" in (report.reason or "")
