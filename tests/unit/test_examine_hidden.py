"""Content where one reader looks and another does not."""

import gzip
import io
import tarfile

import pytest

from app.domain.verdict import Verdict
from tests.factories.bundles import make_tar, make_tgz
from tests.fakes import FakeScanner
from tests.unit.test_examine import BAD, BIG, many, scan


@pytest.mark.parametrize("key", ["SCHILY.xattr.user.note", "comment"])
def test_attributes_are_scanned_too(key: str) -> None:
    """Some readers write them to disk, so they are content."""
    marker = FakeScanner.MARKER
    bundle = make_tgz_with_attribute(key, marker.decode())
    report = scan(bundle)
    assert (report.verdict, report.findings[0].member) == (Verdict.INFECTED, "file (attributes)")
    harmless = scan(make_tgz_with_attribute(key, "harmless"))
    assert (harmless.verdict, harmless.members_total) == (Verdict.CLEAN, 1)
    assert harmless.bytes_scanned == harmless.bytes_expanded > len("content")


def test_what_is_hidden_behind_the_end_of_a_file_is_refused() -> None:
    tar = bytearray(make_tar({"file": b"content"}))
    tar[512 + 100 : 512 + 106] = b"hidden"
    assert scan(gzip.compress(bytes(tar))).verdict is Verdict.UNSCANNABLE


def make_tgz_with_attribute(key: str, value: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("file")
        member.size = len(b"content")
        member.pax_headers = {key: value}
        archive.addfile(member, io.BytesIO(b"content"))
    return packed.getvalue()


def test_a_nested_archive_that_is_cut_off_is_for_the_engine() -> None:
    """Logs that were cut off are usual in bundles; their members so far, and the rest, are scanned."""
    inner = make_tgz(many(40))
    report = scan(make_tgz({"a": b"x", "cut.tgz": inner[:-30], "z": b"y"}))
    assert (report.verdict, report.members_total, report.reason) == (Verdict.CLEAN, 3, None)
    assert scan(make_tgz({"cut.tgz": make_tgz({"b": BAD, "c": BIG})[:-30]})).verdict is Verdict.INFECTED
