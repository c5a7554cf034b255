"""The receive loop, with a source and a sink in memory."""

import hashlib
from collections.abc import Iterable

import pytest

from app.domain.errors import StorageFullError, TooLargeError, TruncatedBodyError, WrongContentError
from app.services import receiving
from app.services.receiving import INSPECT_BYTES, new_buffer, receive


class Pieces:
    """A source that gives one piece per read; an exception among them is raised."""

    def __init__(self, pieces: Iterable[bytes | Exception]) -> None:
        self.pieces = iter(pieces)

    def readinto(self, buffer: memoryview, /) -> int:
        piece = next(self.pieces, b"")
        if isinstance(piece, Exception):
            raise piece
        buffer[: len(piece)] = piece
        return len(piece)


class MemorySink:
    """Keeps what was written and remembers how much of it was synced."""

    def __init__(self, content: bytes = b"") -> None:
        self.content = bytearray(content)
        self.offset = len(content)
        self.durable = len(content)
        self.full_at: int | None = None

    def write(self, data: memoryview) -> None:
        if self.full_at is not None and self.offset + len(data) > self.full_at:
            raise StorageFullError("full")
        self.content += data
        self.offset += len(data)

    def sync(self) -> None:
        self.durable = self.offset


def test_everything_is_hashed_written_and_durable() -> None:
    sink, hasher = MemorySink(), hashlib.sha256()

    size = receive(Pieces([b"ab", b"c" * 5000, b"d"]), sink, hasher=hasher, buffer=new_buffer())

    assert size == 5003
    assert sink.content == b"ab" + b"c" * 5000 + b"d"
    assert sink.durable == size
    assert hasher.digest() == hashlib.sha256(sink.content).digest()


def test_an_empty_body_is_no_error() -> None:
    assert receive(Pieces([]), MemorySink(), hasher=hashlib.sha256(), buffer=new_buffer()) == 0


def test_exactly_the_limit_may_come() -> None:
    sink = MemorySink(b"earlier")
    assert receive(Pieces([b"12", b"34"]), sink, hasher=hashlib.sha256(), buffer=new_buffer(), limit=4) == 4


def test_one_byte_more_is_cut_off_unwritten() -> None:
    sink = MemorySink(b"earlier")

    with pytest.raises(TooLargeError):
        receive(Pieces([b"12", b"345"]), sink, hasher=hashlib.sha256(), buffer=new_buffer(), limit=4)

    assert sink.content == b"earlier12"


def test_inspection_waits_for_enough_bytes_and_comes_before_the_first_write() -> None:
    sink = MemorySink()
    seen: list[bytes] = []

    def inspect(head: memoryview) -> None:
        seen.append(bytes(head))
        assert not sink.content

    receive(
        Pieces([b"x"] * (INSPECT_BYTES + 7)),
        sink,
        hasher=hashlib.sha256(),
        buffer=new_buffer(),
        inspect=inspect,
    )

    assert seen == [b"x" * INSPECT_BYTES]
    assert sink.offset == INSPECT_BYTES + 7


def test_refused_content_is_never_written() -> None:
    def refuse(_head: memoryview) -> None:
        raise WrongContentError("not a tar")

    sink = MemorySink()
    with pytest.raises(WrongContentError):
        receive(Pieces([b"PK"]), sink, hasher=hashlib.sha256(), buffer=new_buffer(), inspect=refuse)

    assert not sink.content


def test_checkpoints_name_durable_offsets_at_least_every_so_many_bytes() -> None:
    sink = MemorySink(b"12345")
    told: list[int] = []

    def checkpoint(offset: int) -> None:
        assert offset == sink.durable
        told.append(offset)

    receive(
        Pieces([b"x" * 4] * 5),
        sink,
        hasher=hashlib.sha256(),
        buffer=new_buffer(),
        checkpoint=checkpoint,
        checkpoint_bytes=8,
    )

    assert told == [13, 21, 25]


def test_a_slow_sender_is_checkpointed_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 3))
    monkeypatch.setattr(receiving, "monotonic", lambda: float(next(clock)))
    told: list[int] = []

    receive(
        Pieces([b"x"] * 6),
        MemorySink(),
        hasher=hashlib.sha256(),
        buffer=new_buffer(),
        checkpoint=told.append,
    )

    assert told == [2, 4, 6]


def test_a_body_cut_short_is_checkpointed_where_it_leaves_off() -> None:
    sink = MemorySink()
    told: list[int] = []

    with pytest.raises(TruncatedBodyError):
        receive(
            Pieces([b"abc", TruncatedBodyError("gone")]),
            sink,
            hasher=hashlib.sha256(),
            buffer=new_buffer(),
            checkpoint=told.append,
        )

    assert told == [3]
    assert sink.durable == 3


def test_a_full_store_is_not_checkpointed_again() -> None:
    sink = MemorySink()
    sink.full_at = 4
    told: list[int] = []

    with pytest.raises(StorageFullError):
        receive(
            Pieces([b"abc", b"def"]),
            sink,
            hasher=hashlib.sha256(),
            buffer=new_buffer(),
            checkpoint=told.append,
        )

    assert told == []
    assert sink.content == b"abc"
