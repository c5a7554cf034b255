"""Random archives, honestly made, with EICAR somewhere in them: never CLEAN (T20)."""

import gzip
import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.adapters.scanner import ClamdScanner
from app.bundle.budget import Budget
from app.domain.verdict import ScanReport, Verdict
from app.services.scanning.examine import examine
from tests.factories.eicar import eicar

# A bundle that fails is too long to be shown whole; how it came about is not.
pytestmark = pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")

KINDS = ("tgz", "tar", "gz")
OPENED = 4
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=150)
file_names = names.map(lambda name: name.rstrip("/") or "x")  # else it is a directory to some readers
EMPTY = (
    tarfile.DIRTYPE,
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.FIFOTYPE,
    tarfile.CHRTYPE,
    tarfile.BLKTYPE,
)


@st.composite
def members(draw: st.DrawFn) -> tuple[tarfile.TarInfo, bytes]:
    """Give an entry of any honest kind, and its content."""
    info = tarfile.TarInfo(draw(file_names))
    info.mtime = draw(st.integers(0, 2**33) | st.floats(1, 2**33))
    info.mode = draw(st.integers(0, 0o7777))
    info.uname = draw(st.sampled_from(["", "root", "j\u00f6rg"]))
    content = draw(
        st.binary(max_size=2000) | st.integers(0, 3_000_000).map(lambda size: b"line\n" * (size // 5))
    )
    if draw(st.integers(0, 2)) == 0:
        info.type = draw(st.sampled_from(EMPTY))
        info.linkname = draw(names) if info.type in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
        content = b""
    return info, content


@st.composite
def archives(draw: st.DrawFn, content: bytes, kind: str) -> bytes:
    """Give an archive that holds the content as one file at some place among others."""
    if kind == "gz":
        return gzip.compress(content, draw(st.integers(0, 9)))
    entries = draw(st.lists(members(), max_size=4))
    entries.insert(draw(st.integers(0, len(entries))), (tarfile.TarInfo(draw(file_names)), content))
    buffer = io.BytesIO()
    format_ = draw(st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]))
    with tarfile.open(fileobj=buffer, mode="w", format=format_, errors="surrogateescape") as archive:
        for info, data in entries:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    packed = buffer.getvalue()
    return gzip.compress(packed, draw(st.integers(0, 9))) if kind == "tgz" else packed


@st.composite
def bundles(draw: st.DrawFn, content: bytes, deepest: int) -> bytes:
    """Give a bundle with the content below some archives within archives."""
    for kind in draw(st.lists(st.sampled_from(KINDS), max_size=deepest)):
        content = draw(archives(content, kind))
    return draw(archives(content, "tgz"))


def scan(address: str, bundle: bytes) -> ScanReport:
    return examine(ClamdScanner(address, 60), io.BytesIO(bundle), budget=Budget(), connections=3)


@settings(deadline=None, max_examples=120)
@given(bundle=bundles(eicar(), OPENED + 3))
def test_eicar_anywhere_is_never_clean(clamd_address: str, bundle: bytes) -> None:
    """T20, T25."""
    assert scan(clamd_address, bundle).verdict is not Verdict.CLEAN


@settings(deadline=None, max_examples=60)
@given(bundle=bundles(b"harmless\n" * 9, OPENED))
def test_harmless_ones_are_clean_and_covered(clamd_address: str, bundle: bytes) -> None:
    """T23: and never refused for being deep, linked or oddly named."""
    report = scan(clamd_address, bundle)
    assert report.verdict is Verdict.CLEAN, report.reason
    assert report.members_scanned == report.members_total
    assert report.bytes_scanned == report.bytes_expanded
    assert report.complete
