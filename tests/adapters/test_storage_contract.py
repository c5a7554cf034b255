"""What `app.ports.Storage` says, of every store that answers it: in memory, files, S3 on two servers."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from io import SEEK_END
from pathlib import Path

import pytest

from app.domain.errors import LockedError, NotFoundError, OffsetConflictError, StateConflictError
from app.ports import Storage
from tests.adapters.stores import ALL, Store, make_store

KEY = "0b7e3c1a-org/5d2f-upload"
OTHER = "0b7e3c1a-org/5d2f-upload2"  # begins with the same letters
LARGE = os.urandom(11 * 1024**2 + 7)  # a part of a multipart upload, and a rest


@pytest.fixture(params=ALL)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return make_store(request.param, tmp_path, request)


class TestAppend:
    def test_what_was_synced_is_there_for_another_host(self, store: Store) -> None:
        store.put(KEY, b"abc")
        store.storage = store.another()
        store.put(KEY, b"def", offset=3)
        store.storage = store.another()

        store.storage.seal(KEY, 6)

        assert store.read(KEY) == b"abcdef"

    def test_what_lies_beyond_the_offset_is_cut_off(self, store: Store) -> None:
        store.put(KEY, b"abc")
        store.put(KEY, b"def", offset=3)  # durable, and nobody was told
        store.put(KEY, b"XY", offset=3)

        with pytest.raises(NotFoundError), store.storage.append(KEY, 6):
            pass
        with pytest.raises(NotFoundError):
            store.storage.seal(KEY, 6)
        store.storage.seal(KEY, 5)

        assert store.read(KEY) == b"abcXY"

    def test_so_it_is_across_parts(self, store: Store) -> None:
        """The offset lies within what has become a part by the time of the next word."""
        cut = 10 * 1024**2
        with store.storage.append(KEY, 0) as sink:
            sink.write(memoryview(LARGE[:cut]))
            sink.sync()
            sink.write(memoryview(bytes(8 * 1024**2)))
            sink.sync()
        store.storage = store.another()
        store.put(KEY, LARGE[cut:], offset=cut)

        store.storage.seal(KEY, len(LARGE))

        assert store.read(KEY) == LARGE

    def test_beginning_again_at_zero_forgets_everything(self, store: Store) -> None:
        store.put(KEY, LARGE)
        store.put(KEY, b"short")

        store.storage.seal(KEY, 5)

        assert store.read(KEY) == b"short"

    def test_an_empty_object_is_one_too(self, store: Store) -> None:
        """Whoever sends nothing is told that, and not that nothing was found."""
        store.put(KEY, b"")

        with store.storage.open_incoming(KEY) as file:
            assert file.read() == b""
        store.storage.seal(KEY, 0)

    def test_fewer_bytes_than_the_offset_are_refused(self, store: Store) -> None:
        store.put(KEY, b"abc")

        with pytest.raises(NotFoundError), store.storage.append(KEY, 4):
            pass
        with pytest.raises(NotFoundError), store.storage.append("org/never-begun", 1):
            pass

    def test_nothing_is_cut_before_the_offset_is_confirmed(self, store: Store) -> None:
        def moved_on() -> None:
            raise OffsetConflictError("another request was faster")

        store.put(KEY, b"abc")
        store.put(KEY, b"def", offset=3)

        with pytest.raises(OffsetConflictError), store.storage.append(KEY, 3, moved_on):
            pass
        store.storage.seal(KEY, 6)

        assert store.read(KEY) == b"abcdef"

    def test_the_offset_moves_with_every_write(self, store: Store) -> None:
        with store.storage.append(KEY, 0) as sink:
            assert sink.offset == 0
            for piece in (b"a", b"bc", LARGE):
                before = sink.offset
                sink.write(memoryview(piece))
                assert sink.offset == before + len(piece)
            sink.sync()
            sink.sync()

    def test_one_writer_at_a_time_where_there_are_locks(self, store: Store) -> None:
        with store.storage.append(KEY, 0) as sink:
            sink.write(memoryview(b"abc"))
            sink.sync()
            if store.locks:
                with pytest.raises(LockedError), store.another().append(KEY, 3):
                    pass
            else:  # who was overtaken is found out elsewhere: tests/adapters/test_s3_writers.py
                with store.another().append(KEY, 3) as other:
                    assert other.offset == 3

    def test_nobody_appends_to_what_is_sealed(self, store: Store) -> None:
        store.sealed(KEY, b"abc")

        for offset in (0, 3):
            with pytest.raises(StateConflictError), store.storage.append(KEY, offset):
                pass

        assert store.read(KEY) == b"abc"


class TestSeal:
    def test_it_may_be_repeated_by_anybody(self, store: Store) -> None:
        store.put(KEY, LARGE)

        version = store.storage.seal(KEY, len(LARGE))

        assert store.another().seal(KEY, len(LARGE)) == version == store.version(KEY)
        assert store.read(KEY) == LARGE

    def test_it_may_happen_twice_at_a_time(self, store: Store) -> None:
        if store.name.startswith("moto"):
            pytest.skip("moto answers 500 where S3 says NoSuchUpload")
        store.put(KEY, LARGE)
        start = threading.Barrier(2)

        def seal(storage: Storage) -> str | LockedError:
            start.wait()
            try:
                return storage.seal(KEY, len(LARGE))
            except LockedError as error:
                return error

        with ThreadPoolExecutor() as pool:
            said = list(pool.map(seal, (store.storage, store.another())))

        assert {version for version in said if isinstance(version, str)} == {store.version(KEY)}
        assert store.read(KEY) == LARGE

    def test_it_insists_on_the_size(self, store: Store) -> None:
        store.put(KEY, b"abc")

        for size in (0, 2, 4):
            with pytest.raises(NotFoundError):
                store.storage.seal(KEY, size)
        with pytest.raises(NotFoundError):
            store.storage.seal("org/none", 0)
        store.storage.seal(KEY, 3)
        with pytest.raises(NotFoundError):
            store.storage.seal(KEY, 4)

        assert store.read(KEY) == b"abc"


class TestReading:
    def test_open_incoming_reads_what_has_come_and_what_is_sealed(self, store: Store) -> None:
        store.put(KEY, LARGE)
        for _ in range(2):
            with store.storage.open_incoming(KEY) as file:
                assert file.read(100) == LARGE[:100]
                assert file.read() == LARGE[100:]
            store.storage.seal(KEY, len(LARGE))
        with pytest.raises(NotFoundError):
            store.storage.open_incoming(OTHER)

    def test_an_open_object_is_a_file(self, store: Store) -> None:
        store.sealed(KEY, LARGE)
        file, _ = store.storage.open(KEY)
        with file:
            assert file.seek(0, SEEK_END) == len(LARGE)
            assert file.read(1) == b""
            for at, size in ((0, 10), (9_000_000, 2_000_000), (5, 5), (len(LARGE) - 3, 10), (1, 0)):
                file.seek(at)
                assert file.read(size) == LARGE[at : at + size]
            file.seek(0)
            buffer = bytearray(len(LARGE))
            assert file.readinto(buffer) == len(LARGE)  # type: ignore[attr-defined]
            assert buffer == LARGE

    def test_what_is_not_sealed_cannot_be_opened(self, store: Store) -> None:
        store.put(KEY, b"abc")

        for key in (KEY, "org/none"):
            with pytest.raises(NotFoundError):
                store.storage.open(key)

    def test_bytes_that_are_replaced_have_another_version(self, store: Store) -> None:
        """T26. Even if there are as many of them."""
        version = store.sealed(KEY, b"abc")
        assert store.version(KEY) == version

        store.replace(KEY, b"abC")

        assert store.version(KEY) != version

    @pytest.mark.parametrize(
        "key", ["", "org", "../etc/passwd", "/etc/passwd", "org/..", "org/a/b", "org/a\n", "org/a.b"]
    )
    def test_only_our_own_keys_are_keys(self, store: Store, key: str) -> None:
        for act in (
            store.storage.open,
            store.storage.open_incoming,
            store.storage.delete,
            lambda key: store.storage.seal(key, 0),
            lambda key: store.put(key, b"abc"),
        ):
            with pytest.raises(NotFoundError):
                act(key)

        assert store.keys() == set()
