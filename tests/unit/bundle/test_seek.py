"""A window through the seek index equals the gunzipped bytes, however the gzip file is made."""

import gzip
import io
import os
import random
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.bundle import seek
from app.bundle.seek import SeekIndex, StaleIndexError, StoppedError, TooManyPointsError, open_at

OF = "0" * 64
MIB = 1024**2
WORDS = [random.Random(number).randbytes(5).hex() for number in range(500)]


def text(size: int) -> bytes:
    return " ".join(random.Random(size).choices(WORDS, k=size // 11)).encode()


def build(stored: bytes, path: Path, step: int = 100_000) -> SeekIndex:
    with SeekIndex(len(stored)) as index:
        for start in range(0, len(stored), step):
            index.feed(stored[start : start + step])
        index.write(path, OF)
    return index


def window(stored: bytes, path: Path, offset: int, size: int) -> bytes:
    with path.open("rb") as index, open_at(io.BytesIO(stored), index, OF) as expanded:
        expanded.seek(offset)
        return expanded.read(size)


@pytest.fixture(scope="module")
def content() -> bytes:
    return text(20 * MIB)


@pytest.mark.parametrize("level", [0, 1, 6])
def test_any_window_of_a_large_file(content: bytes, tmp_path: Path, level: int) -> None:
    stored = gzip.compress(content, level)
    path = tmp_path / "index"
    build(stored, path)

    draw = random.Random(level)
    for offset in [0, len(content) - 5, len(content), *(draw.randrange(len(content)) for _ in range(20))]:
        assert window(stored, path, offset, 1000) == content[offset : offset + 1000]
    assert path.stat().st_size < len(content) // 50


def test_a_window_inflates_no_more_than_one_spacing(content: bytes, tmp_path: Path) -> None:
    """What lies before the point, and far behind the window, is not read."""
    stored = gzip.compress(content, 1)
    path = tmp_path / "index"
    build(stored, path)
    read = []

    class Source(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            read.append(len(data))
            return data

    with path.open("rb") as index, open_at(Source(stored), index, OF) as expanded:
        read.clear()
        expanded.seek(len(content) * 3 // 4)
        expanded.read(1000)
    assert sum(read) < len(stored) * 0.45


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_windows_of_several_gzip_members(tmp_path: Path, data: st.DataObject) -> None:
    pieces = data.draw(st.lists(st.binary(max_size=2000), min_size=1, max_size=30))
    whole = b"".join(pieces)
    stored = b"".join(map(gzip.compress, pieces))
    path = tmp_path / "index"
    path.unlink(missing_ok=True)

    build(stored, path, data.draw(st.integers(1, 5000)))

    if whole:
        offset = data.draw(st.integers(0, len(whole)))
        assert window(stored, path, offset, 500) == whole[offset : offset + 500]
    else:
        assert not path.exists()


@pytest.mark.parametrize("over", range(-2, 12))
def test_a_file_that_ends_near_the_end_of_a_buffer(tmp_path: Path, over: int) -> None:
    whole = os.urandom(seek._READ + over - 43)  # stored as it is, with headers of 43 bytes in all
    stored = gzip.compress(whole, 0)
    path = tmp_path / "index"
    build(stored, path)
    assert window(stored, path, len(whole) - 10, 100) == whole[-10:]


def test_what_is_no_gzip_has_no_index(tmp_path: Path) -> None:
    path = tmp_path / "index"
    for stored in (b"", b"hello", os.urandom(100_000)):
        assert build(stored, path).failure is not None
        assert not path.exists()


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_file_ends_the_thread_in_any_case(tmp_path: Path, data: st.DataObject) -> None:
    stored = bytearray(gzip.compress(text(60_000)) + gzip.compress(text(9_000)))
    for _ in range(data.draw(st.integers(1, 3))):
        stored[data.draw(st.integers(0, len(stored) - 1))] ^= data.draw(st.integers(1, 255))
    del stored[data.draw(st.integers(1, len(stored))) :]
    build(bytes(stored) + data.draw(st.binary(max_size=300)), tmp_path / "index")


def test_whoever_stops_feeding_is_not_kept_waiting() -> None:
    started = time.monotonic()
    with SeekIndex(10) as index:
        index.feed(b"\x1f\x8b")
    assert isinstance(index.failure, StoppedError)
    assert time.monotonic() - started < 5


def test_a_file_of_too_many_points_is_given_up_in_time(
    tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T22: memory is bounded, whether by small gzip members or by what unfolds endlessly."""
    monkeypatch.setattr(seek, "_LOOK_EVERY", 1000)
    monkeypatch.setattr(seek, "MOST_POINTS", 100)
    failure = build(gzip.compress(b"x") * 200_000, tmp_path / "index").failure
    assert isinstance(failure, TooManyPointsError)
    monkeypatch.setattr(seek, "WIDEST", MIB)
    monkeypatch.setattr(seek, "MOST_WINDOWS", 2)
    failure = build(gzip.compress(content, 1), tmp_path / "index").failure
    assert isinstance(failure, TooManyPointsError)


def test_an_index_of_other_bytes_is_refused(tmp_path: Path) -> None:
    stored = gzip.compress(text(50_000))
    path = tmp_path / "index"
    build(stored, path)
    with path.open("rb") as index, pytest.raises(StaleIndexError):
        open_at(io.BytesIO(stored), index, "1" * 64)
    path.write_bytes(path.read_bytes()[:200])
    with path.open("rb") as index, pytest.raises(OSError, match="import_index"):
        open_at(io.BytesIO(stored), index, OF)
