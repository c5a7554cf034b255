"""Bundles changed at random: whatever any other reader gets out of them, the scan has seen (T21, C20)."""

import gzip
import io
import zlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from isal import isal_zlib

from app.bundle.budget import Budget
from app.bundle.gunzip import CorruptError
from app.domain.verdict import Verdict
from app.services.scanning.examine import examine
from tests.factories.hostile.raw import BLOCK, END, checksum, entry, gz, long_name, pax, tar
from tests.hostile.readers import MARKER, BeginningScanner, visible

# A bundle that fails is too long to be shown whole; how it came about is not.
pytestmark = pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")

_NESTED = gz(tar(entry(b"beside", b"b" * 600), entry(b"inner", MARKER)))
_PARTS = (
    entry(b"first", b"f" * 700),
    pax({b"path": b"pax/name", b"mtime": b"1.5", b"comment": b"why"}),
    entry(b"second", b"s" * 512),
    entry(b"folder/", type=b"5"),
    long_name(b"long/" * 40 + b"name"),
    entry(b"short", b"A" * 512 + entry(b"marked", MARKER)),
    entry(b"link", type=b"2", linkname=b"first"),
    pax({b"size": b"12", b"path": b"third"}),
    entry(b"short", b"third, here."),
)
MARKED = b"".join((*_PARTS[:4], entry(b"bad", MARKER), *_PARTS[4:])) + END
NESTED = b"".join((*_PARTS, entry(b"inner.tgz", _NESTED))) + END
HARMLESS = b"".join(_PARTS) + END  # but for what a wrong size would uncover in "short"
PLAIN = {"marked": MARKED, "nested": NESTED, "harmless": HARMLESS}
_FIELDS = (0, 99, 100, 124, 130, 134, 135, 148, 155, 156, 157, 257, 263, 345, 482, 500)
_BYTES = st.sampled_from(b"\0 01279=xgLKSVD156/\n\t-+\x80\xff") | st.integers(0, 255)

changes = st.lists(
    st.tuples(
        st.sampled_from(
            ["field", "field", "field", "byte", "lose", "double", "swap", "cut", "zeros", "text"]
        ),
        st.integers(0, 30),
        st.sampled_from(_FIELDS) | st.integers(0, BLOCK - 1),
        st.lists(_BYTES, min_size=1, max_size=4).map(bytes),
    ),
    min_size=1,
    max_size=4,
)


def changed(plain: bytes, what: list[tuple[str, int, int, bytes]]) -> bytes:
    """Apply changes to a tar, block by block, and make the checksums of all headers right again."""
    blocks = [plain[start : start + BLOCK] for start in range(0, len(plain), BLOCK)]
    headers = {block for block in blocks if block[257:262] == b"ustar"}
    where = [number for number, block in enumerate(blocks) if block in headers]
    for kind, number, offset, data in what:
        at = where[number % len(where)] if kind == "field" else number % len(blocks)
        at = min(at, len(blocks) - 1)
        block = blocks[at]
        if kind in {"field", "byte", "text"}:
            offset = (12 + offset % 20) if kind == "text" else offset  # within the records of a pax header
            block = (block[:offset] + data + block[offset + len(data) :])[:BLOCK]
            blocks[at] = _summed(block) if kind == "field" and not 148 <= offset < 156 else block
        elif kind == "lose":
            del blocks[at]
        elif kind == "double":
            blocks.insert(at, block)
        elif kind == "swap":
            blocks[at], blocks[at - 1] = blocks[at - 1], block
        elif kind == "zeros":
            blocks.insert(at, bytes(BLOCK))
        else:
            blocks[at] = block[:offset]
        blocks = blocks or [b""]
    return b"".join(blocks)


def _summed(block: bytes) -> bytes:
    return block[:148] + b"%06o\0 " % checksum(block) + block[156:]


@st.composite
def odd_headers(draw: st.DrawFn) -> bytes:
    """Give an extended header whose records are right, or nearly so."""
    lines = b""
    for _ in range(draw(st.integers(1, 2))):
        line = draw(st.sampled_from([b" ", b" ", b"  ", b" \t", b"\t", b" \n", b""]))
        line += draw(
            st.sampled_from([b"size", b"size", b"path", b"comment", b"GNU.sparse.major", b" size", b"SIZE"])
        )
        line += draw(st.sampled_from([b"=", b"=", b"==", b" = ", b""]))
        line += draw(
            st.sampled_from(
                [b"0", b"12", b"512", b"1024", b"1536", b"x/", b"x\n12 size=512", b" 512", b"5e2"]
            )
        )
        line += draw(st.sampled_from([b"\n", b"\n", b"\n\n", b"\0", b""]))
        length = len(line) + draw(st.sampled_from([2, 2, 2, 1, 3]))
        lines += draw(st.sampled_from([b"", b"", b"", b"0", b" ", b"-", b"+"])) + b"%d" % length + line
    type_ = draw(st.sampled_from([b"x", b"x", b"g", b"L", b"K", b"X"]))
    return entry(b"PaxHeaders/x", lines, type=type_)


def agree(bundle: bytes) -> None:
    """Check that a bundle is not CLEAN if any reader gets the marker out of it."""
    verdict = verdict_of(bundle)
    assert verdict in Verdict
    if verdict is Verdict.CLEAN:
        assert not visible(bundle)


def verdict_of(bundle: bytes) -> Verdict:
    return examine(BeginningScanner(), io.BytesIO(bundle), budget=Budget(), connections=2).verdict


def test_the_readers_see_what_they_should() -> None:
    """Or the properties below would hold for nothing."""
    assert visible(gz(MARKED))
    assert visible(gz(NESTED))
    assert not visible(gz(HARMLESS))
    assert verdict_of(gz(MARKED)) is verdict_of(gz(NESTED)) is Verdict.INFECTED
    assert verdict_of(gz(HARMLESS)) is Verdict.CLEAN
    uncovered = changed(HARMLESS, [("field", 5, 124, b"00000001000")])  # the size of "short"
    assert visible(gz(uncovered)), "the sum is right again and the marker an entry"


@settings(deadline=None, max_examples=400)
@given(st.sampled_from(sorted(PLAIN)), changes)
def test_what_any_reader_sees_is_never_clean(name: str, what: list[tuple[str, int, int, bytes]]) -> None:
    """T21, C20: Python's tarfile and GNU tar, at their most lenient, against the scan."""
    agree(gz(changed(PLAIN[name], what)))


@settings(deadline=None, max_examples=200)
@given(st.lists(odd_headers(), min_size=1, max_size=2), st.integers(0, 7), st.booleans())
def test_what_any_reader_makes_of_odd_extended_headers(more: list[bytes], at: int, before: bool) -> None:
    """C20: records that only one reader understands."""
    entries = list(_PARTS)
    odd = b"".join(more)
    entries[at] = odd + entries[at] if before else odd + entry(b"blob", b"A" * 512 + entry(b"marked", MARKER))
    agree(gz(b"".join(entries) + END))


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_changed_gzip_is_never_clean(data: st.DataObject) -> None:
    """T6: there a changed byte is damage, or a bit of the header that means nothing."""
    bundle = bytearray(gzip.compress(MARKED, mtime=0))
    for _ in range(data.draw(st.integers(1, 4))):
        bundle[data.draw(st.integers(0, len(bundle) - 1))] = data.draw(st.integers(0, 255))
    assert verdict_of(bytes(bundle)) is not Verdict.CLEAN


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=3000), st.booleans())
def test_noise_gets_a_verdict(noise: bytes, packed: bool) -> None:
    assert verdict_of(gz(noise) if packed else noise) is Verdict.UNSCANNABLE


@settings(deadline=None, max_examples=500)
@given(st.binary(min_size=1, max_size=400), st.integers(0, 9), st.data())
@example(b"", 0, None)
def test_two_inflaters_agree(content: bytes, level: int, data: st.DataObject | None) -> None:
    """C20: a stream that zlib and isal unfold differently would be two archives."""
    deflater = zlib.compressobj(level, zlib.DEFLATED, -15)
    packed = bytearray(deflater.compress(content * 5) + deflater.flush())
    if data:
        for _ in range(data.draw(st.integers(1, 3))):
            packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    ours, theirs = isal_zlib.decompressobj(-15), zlib.decompressobj(-15)
    try:
        seen = ours.decompress(bytes(packed))
        others = theirs.decompress(bytes(packed))
    except (CorruptError, zlib.error):
        return
    if ours.eof:
        assert theirs.eof
        assert seen == others
