"""FilesystemStorage on a real file system, with the crashes and failures it must survive."""

import os
import stat
from pathlib import Path

import pytest

from app.adapters.storage.filesystem import FilesystemStorage
from app.domain.errors import (
    DependencyError,
    NotFoundError,
    StateConflictError,
)

KEY = "0b7e3c1a-org/5d2f-upload"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "storage"


@pytest.fixture
def storage(root: Path) -> FilesystemStorage:
    return FilesystemStorage(root)


def put(storage: FilesystemStorage, data: bytes, key: str = KEY, offset: int = 0) -> None:
    with storage.append(key, offset) as sink:
        sink.write(memoryview(data))
        sink.sync()


def read(storage: FilesystemStorage, key: str = KEY) -> bytes:
    with storage.open_incoming(key) as file:
        return file.read()


def version_of(storage: FilesystemStorage) -> str:
    file, version = storage.open(KEY)
    file.close()
    return version


def test_appends_continue_and_cut_off_what_was_never_acknowledged(storage: FilesystemStorage) -> None:
    put(storage, b"abcdef")
    put(storage, b"XY", offset=3)

    assert read(storage) == b"abcXY"


def test_an_offset_beyond_the_end_is_refused(storage: FilesystemStorage) -> None:
    put(storage, b"abc")

    with pytest.raises(NotFoundError), storage.append(KEY, 4):
        pass
    with pytest.raises(NotFoundError), storage.append("org/never-begun", 1):
        pass


def test_nothing_is_cut_off_before_the_offset_is_confirmed(storage: FilesystemStorage) -> None:
    """Two requests read the same offset from the row; the one that waited must not truncate."""

    def moved_on() -> None:
        raise StateConflictError("the row says otherwise by now")

    put(storage, b"abcdef")

    with pytest.raises(StateConflictError), storage.append(KEY, 3, moved_on):
        pass

    assert read(storage) == b"abcdef"


def test_sealed_is_readable_write_once_and_has_one_version(storage: FilesystemStorage, root: Path) -> None:
    put(storage, b"abc")

    version = storage.seal(KEY, 3)

    file, opened = storage.open(KEY)
    with file:
        assert file.read() == b"abc"
    assert opened == version == storage.seal(KEY, 3)
    assert read(storage) == b"abc"
    assert not (root / "incoming" / KEY).exists()
    with pytest.raises(StateConflictError), storage.append(KEY, 0):
        pass
    assert version_of(storage) == version


def test_only_this_user_may_read_and_nobody_write(storage: FilesystemStorage, root: Path) -> None:
    put(storage, b"abc")
    assert stat.S_IMODE((root / "incoming" / KEY).stat().st_mode) == 0o600
    storage.seal(KEY, 3)

    assert stat.S_IMODE((root / "sealed" / KEY).stat().st_mode) == 0o400
    for directory in (root / "incoming", root / "sealed", (root / "sealed" / KEY).parent):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_seal_insists_on_the_size(storage: FilesystemStorage) -> None:
    put(storage, b"abc")

    with pytest.raises(NotFoundError):
        storage.seal(KEY, 4)
    with pytest.raises(NotFoundError):
        storage.seal("org/none", 0)

    assert read(storage) == b"abc"


def test_sealing_never_overwrites(storage: FilesystemStorage, root: Path) -> None:
    put(storage, b"abc")
    storage.seal(KEY, 3)
    (root / "incoming" / KEY).write_bytes(b"xyz")

    with pytest.raises(StateConflictError):
        storage.seal(KEY, 3)

    file, _ = storage.open(KEY)
    with file:
        assert file.read() == b"abc"


def test_any_change_to_a_sealed_object_changes_its_version(storage: FilesystemStorage, root: Path) -> None:
    put(storage, b"abc")
    version = storage.seal(KEY, 3)
    path = root / "sealed" / KEY
    status = path.stat()

    path.chmod(0o600)
    path.write_bytes(b"abC")
    path.chmod(0o400)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert version_of(storage) != version


@pytest.mark.parametrize(
    "key", ["", "org", "../etc/passwd", "/etc/passwd", "org/..", "org/a/b", "org/a\n", "org/a.b"]
)
def test_only_our_own_keys_are_keys(storage: FilesystemStorage, key: str) -> None:
    for act in (storage.open, storage.open_incoming, storage.delete, lambda key: storage.seal(key, 0)):
        with pytest.raises(NotFoundError):
            act(key)


def test_a_symbolic_link_is_not_followed(storage: FilesystemStorage, root: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    path = root / "sealed" / KEY
    path.parent.mkdir()
    path.symlink_to(secret)

    with pytest.raises(DependencyError):
        storage.open(KEY)


def test_stored_lists_both_areas_and_nothing_that_lies_beside(storage: FilesystemStorage, root: Path) -> None:
    put(storage, b"abc")
    put(storage, b"abc", key="org/other")
    storage.seal("org/other", 3)
    (root / "sealed" / "org" / "other.members").write_bytes(b"")

    found = dict(storage.stored())

    assert found.keys() == {KEY, "org/other"}
    assert all(-1 < age < 3600 for age in found.values())


def test_delete_takes_either_and_is_not_surprised(storage: FilesystemStorage) -> None:
    put(storage, b"abc")
    storage.delete(KEY)
    put(storage, b"abc")
    storage.seal(KEY, 3)
    storage.delete(KEY)
    storage.delete(KEY)

    with pytest.raises(NotFoundError):
        storage.open(KEY)


def test_check_finds_a_store_that_lies(storage: FilesystemStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    storage.check()
    monkeypatch.setattr(os, "pread", lambda *_: b"something else")
    with pytest.raises(DependencyError):
        storage.check()


def test_early_write_back_changes_nothing(storage: FilesystemStorage) -> None:
    data = os.urandom(1024**2)
    with storage.append(KEY, 0) as sink:
        for _ in range(20):
            sink.write(memoryview(data))
        sink.sync()

    assert read(storage) == data * 20
