"""Gunzip gives what gzip gives, or says why not; and never more than asked for."""

import gzip
import hashlib
import io
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.bundle.budget import ALWAYS_ALLOWED, Budget, Meter
from app.bundle.errors import BundleError, DamagedBundleError, MalformedBundleError, OverBudgetError
from app.bundle.gunzip import CHUNK, Gunzip


def gunzip(data: bytes, budget: Budget | None = None) -> bytes:
    return b"".join(Gunzip(io.BytesIO(data), Meter(budget or Budget())))


@given(st.lists(st.binary(max_size=5000), min_size=1, max_size=5))
def test_all_members_are_read(parts: list[bytes]) -> None:
    packed = b"".join(gzip.compress(part) for part in parts)
    stream = Gunzip(io.BytesIO(packed), Meter(Budget()))
    assert b"".join(stream) == b"".join(parts)
    assert (stream.size, stream.sha256) == (len(packed), hashlib.sha256(packed).hexdigest())


@given(st.binary(min_size=1, max_size=3000), st.data())
def test_truncation_is_damage(content: bytes, data: st.DataObject) -> None:
    packed = gzip.compress(content)
    with pytest.raises(DamagedBundleError):
        gunzip(packed[: data.draw(st.integers(0, len(packed) - 1))])


@pytest.mark.parametrize("position", [-1, -4, -5, -8, 20])
def test_a_flipped_bit_is_damage(position: int) -> None:
    packed = bytearray(gzip.compress(b"content" * 100))
    packed[position] ^= 1
    with pytest.raises(DamagedBundleError):
        gunzip(bytes(packed))


@pytest.mark.parametrize("tail", [b"x", b"PK\x03\x04" * 20, bytes(512), b"\x1f\x8b\x07"])
def test_bytes_after_the_end_are_malformed(tail: bytes) -> None:
    with pytest.raises(BundleError):
        gunzip(gzip.compress(b"content") + tail)


def test_a_gzip_header_may_name_but_not_hide() -> None:
    packed = gzip.compress(b"content", mtime=0)
    bare, body = packed[:10], packed[10:]
    named = bytes((*bare[:3], 8, *bare[4:])) + b"bundle.tar\0" + body
    assert gunzip(named) == b"content"
    block = bytes((*bare[:3], 4, *bare[4:])) + b"\6\0BC\2\0\0\0" + body  # as bgzip writes
    assert gunzip(block) == b"content"
    for hiding in (b"\xff\0" + bytes(255), b"\xff\xff" + bytes(65535)):
        with pytest.raises(MalformedBundleError, match="data of its own"):
            gunzip(bytes((*bare[:3], 4, *bare[4:])) + hiding + body)
    with pytest.raises(MalformedBundleError, match="data of its own"):
        gunzip(bytes((*bare[:3], 16, *bare[4:])) + b"c" * 5000 + b"\0" + body)


def test_a_bomb_is_stopped_early() -> None:
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(bytes(1024**2)) for _ in range(100)) + packer.flush()
    sizes: list[int] = []
    with pytest.raises(OverBudgetError, match="200 times"):
        sizes.extend(map(len, Gunzip(io.BytesIO(bomb), Meter(Budget()))))
    assert max(sizes) <= CHUNK
    assert sum(sizes) <= max(ALWAYS_ALLOWED, 200 * len(bomb))


def test_limits_of_bytes_and_seconds() -> None:
    packed = gzip.compress(bytes(10_000))
    with pytest.raises(OverBudgetError, match="9,999 bytes"):
        gunzip(packed, Budget(expanded=9_999))
    with pytest.raises(OverBudgetError, match="seconds"):
        gunzip(packed, Budget(seconds=0))
