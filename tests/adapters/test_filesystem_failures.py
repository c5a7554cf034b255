"""FilesystemStorage when processes die, disks fill up and writes fail."""

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from app.adapters.storage.filesystem import FilesystemStorage
from app.domain.errors import (
    DependencyError,
    LockedError,
    NotFoundError,
    StorageFullError,
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


class CrashError(BaseException):
    """The process dies here."""


@pytest.mark.parametrize("step", ["fchmod", "fsync", "link", "unlink"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("call", [1, 2, 3, 4, 5])
def test_a_crash_between_any_two_steps_leaves_a_seal_that_can_be_repeated(
    storage: FilesystemStorage, monkeypatch: pytest.MonkeyPatch, step: str, when: str, call: int
) -> None:
    put(storage, b"abc")
    real = getattr(os, step)
    calls = 0

    def crash(*args: object, **kwargs: object) -> object:
        nonlocal calls
        calls += 1
        if calls == call and when == "before":
            raise CrashError
        result = real(*args, **kwargs)
        if calls == call:
            raise CrashError
        return result

    with monkeypatch.context() as patched:
        patched.setattr(os, step, crash)
        try:
            storage.seal(KEY, 3)
        except CrashError:
            assert read(storage) == b"abc"

    version = storage.seal(KEY, 3)
    assert storage.seal(KEY, 3) == version == version_of(storage)
    assert [key for key, _ in storage.stored()] == [KEY]


def test_a_second_writer_in_another_process_is_turned_away(storage: FilesystemStorage, root: Path) -> None:
    script = f"""
import fcntl, os, sys
fd = os.open({str(root / "incoming" / KEY)!r}, os.O_RDWR)
fcntl.flock(fd, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
"""
    put(storage, b"abc")
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(LockedError), storage.append(KEY, 3):
            pass
        with pytest.raises(LockedError):
            storage.seal(KEY, 3)
        assert other.stdin is not None
        other.stdin.close()
        other.wait()
    put(storage, b"d", offset=3)

    assert read(storage) == b"abcd"


def test_a_full_store_is_told_and_the_offset_stays_honest(storage: FilesystemStorage) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with storage.append(KEY, 0) as sink:
        sink.write(memoryview(bytes(1000)))
        resource.setrlimit(resource.RLIMIT_FSIZE, (1500, hard))
        try:
            with pytest.raises(StorageFullError):
                sink.write(memoryview(bytes(1000)))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert sink.offset == 1000
        sink.sync()
    put(storage, b"more", offset=1000)

    assert read(storage) == bytes(1000) + b"more"


@pytest.mark.parametrize(
    ("code", "told"),
    [(errno.ENOSPC, StorageFullError), (errno.EDQUOT, StorageFullError), (errno.EIO, DependencyError)],
)
def test_failures_have_the_right_name(
    storage: FilesystemStorage, monkeypatch: pytest.MonkeyPatch, code: int, told: type[Exception]
) -> None:
    def fail(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    with storage.append(KEY, 0) as sink:
        monkeypatch.setattr(os, "pwrite", fail)
        with pytest.raises(told):
            sink.write(memoryview(b"abc"))


def test_after_a_failed_sync_nothing_more_is_promised(
    storage: FilesystemStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel forgets the pages it could not write, and the next fsync would succeed."""

    def fail(_fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with storage.append(KEY, 0) as sink:
        sink.write(memoryview(b"durable"))
        sink.sync()
        sink.write(memoryview(b"lost"))
        with monkeypatch.context() as patched:
            patched.setattr(os, "fdatasync", fail)
            with pytest.raises(DependencyError):
                sink.sync()
        with pytest.raises(DependencyError):
            sink.sync()
        with pytest.raises(DependencyError):
            sink.write(memoryview(b"more"))

    assert read(storage) == b"durable"


def test_a_failed_sync_while_sealing_cannot_be_sealed_by_trying_again(
    storage: FilesystemStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    put(storage, b"abc")
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises(DependencyError):
            storage.seal(KEY, 3)

    with pytest.raises(NotFoundError):
        storage.seal(KEY, 3)
