"""What is kept beside a sealed object: whole or not at all, and gone with it."""

import io
import stat
from pathlib import Path
from typing import Any

import pytest

from app.adapters.storage.filesystem import FilesystemStorage
from app.domain.errors import DependencyError, NotFoundError
from app.ports import Side

KEY = "0b7e3c1a-org/5d2f-upload"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "storage"


@pytest.fixture
def storage(root: Path) -> FilesystemStorage:
    storage = FilesystemStorage(root)
    seal(storage, KEY)
    return storage


def seal(storage: FilesystemStorage, key: str) -> None:
    with storage.append(key, 0) as sink:
        sink.write(memoryview(b"abc"))
        sink.sync()
    storage.seal(key, 3)


def side_of(storage: FilesystemStorage, side: Side = "members", key: str = KEY) -> bytes:
    with storage.open_side(key, side) as file:
        return file.read()


def test_a_side_is_replaced_and_the_object_stays_as_it_is(storage: FilesystemStorage, root: Path) -> None:
    file, version = storage.open(KEY)
    file.close()

    storage.put_side(KEY, "members", io.BytesIO(b"old"))
    storage.put_side(KEY, "gzidx", io.BytesIO(b"index"))
    with storage.open_side(KEY, "members") as reading:
        storage.put_side(KEY, "members", io.BytesIO(b"new"))
        assert reading.read() == b"old"

    assert side_of(storage) == b"new"
    assert side_of(storage, "gzidx") == b"index"
    with storage.open(KEY)[0] as file:
        assert file.read() == b"abc"
    file, still = storage.open(KEY)
    file.close()
    assert still == version
    assert stat.S_IMODE((root / "sealed" / f"{KEY}.members").stat().st_mode) == 0o600


def test_there_is_no_side_without_an_object(storage: FilesystemStorage, root: Path) -> None:
    with pytest.raises(NotFoundError):
        storage.open_side(KEY, "members")
    with pytest.raises(NotFoundError):
        storage.put_side("org/none", "members", io.BytesIO(b"x"))
    assert [key for key, _ in storage.stored()] == [KEY]


@pytest.mark.parametrize("side", ["", "x", "../x", "members.new", "members/../../x"])
def test_only_the_sides_that_there_are(storage: FilesystemStorage, side: Any) -> None:
    with pytest.raises(NotFoundError):
        storage.put_side(KEY, side, io.BytesIO(b"x"))
    with pytest.raises(NotFoundError):
        storage.open_side(KEY, side)


@pytest.mark.parametrize("key", ["../etc/passwd", "org/..", "org/a.b", "org/a.members"])
def test_only_our_own_keys_are_keys(storage: FilesystemStorage, key: str) -> None:
    with pytest.raises(NotFoundError):
        storage.put_side(key, "members", io.BytesIO(b"x"))
    with pytest.raises(NotFoundError):
        storage.open_side(key, "members")


def test_a_symbolic_link_is_not_followed(storage: FilesystemStorage, root: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    (root / "sealed" / f"{KEY}.members").symlink_to(secret)
    with pytest.raises(DependencyError):
        storage.open_side(KEY, "members")
    storage.put_side(KEY, "members", io.BytesIO(b"x"))
    assert (side_of(storage), secret.read_bytes()) == (b"x", b"secret")


class Breaking(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell():
            raise OSError(5, "the disk is broken")
        return super().read(size and 2)


def test_a_write_that_fails_leaves_the_old_one(storage: FilesystemStorage, root: Path) -> None:
    storage.put_side(KEY, "members", io.BytesIO(b"old"))
    with pytest.raises(DependencyError):
        storage.put_side(KEY, "members", Breaking(b"newer"))
    assert side_of(storage) == b"old"
    assert len(list((root / "sealed").glob("*/*"))) == 2


def test_the_sides_go_with_the_object_and_others_stay(storage: FilesystemStorage, root: Path) -> None:
    other = f"{KEY}-2"
    seal(storage, other)
    for key in (KEY, other):
        storage.put_side(key, "members", io.BytesIO(b"x"))
        storage.put_side(key, "gzidx", io.BytesIO(b"x"))
    foreign = root / "sealed" / f"{KEY}.txt"
    foreign.write_bytes(b"not ours")

    storage.delete(KEY)

    left = {path.name for path in (root / "sealed").glob("*/*")}
    assert left == {foreign.name, *(f"5d2f-upload-2{end}" for end in ("", ".members", ".gzidx"))}
    assert {key for key, _ in storage.stored()} == {other}


def test_sides_without_their_object_are_found_and_swept(storage: FilesystemStorage, root: Path) -> None:
    """After a crash between two steps of a deletion, or within the writing of a side."""
    storage.put_side(KEY, "members", io.BytesIO(b"x"))
    crumb = root / "sealed" / f"{KEY}.gzidx.a1b2_c3d.new"
    crumb.write_bytes(b"half")
    assert [key for key, _ in storage.stored()] == [KEY]

    (root / "sealed" / KEY).unlink()
    assert [key for key, _ in storage.stored()] == [KEY, KEY]
    storage.delete(KEY)

    assert list(storage.stored()) == []
    assert list((root / "sealed").glob("*/*")) == []


@pytest.mark.parametrize("times", [1, 2])
def test_a_side_that_comes_after_the_deletion_does_not_stay(
    storage: FilesystemStorage, root: Path, times: int
) -> None:
    """A scan that is still running when its upload is deleted, and then swept."""

    class Deleting(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            for _ in range(times if not self.tell() else 0):
                storage.delete(KEY)
            return super().read(size)

    with pytest.raises(NotFoundError):
        storage.put_side(KEY, "members", Deleting(b"late"))
    assert list((root / "sealed").glob("*/*")) == []
