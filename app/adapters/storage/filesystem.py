"""Bundles on a file system (a local disk, EFS): ``incoming/<key>`` until sealed, then ``sealed/<key>``.

No object is ever overwritten: sealing is link(2), which refuses an existing name. Whoever writes to or seals
an incoming object holds flock(2) on it, which dies with the process. ``sealed/<key>.<side>`` lies beside one.
"""

import fcntl
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import disk_usage
from tempfile import TemporaryFile
from typing import BinaryIO

from app.adapters.storage import sides
from app.adapters.storage.appending import FileSink, storage_errors, sync_directory
from app.domain.errors import (
    DependencyError,
    LockedError,
    NotFoundError,
    StateConflictError,
    StorageFullError,
)
from app.domain.scan_status import ScanStatus
from app.ports import Room, Side

# Without dots there is no way up, and other files may lie beside an object (``<key>.members``).
KEY = re.compile(r"[A-Za-z0-9-]{1,64}/[A-Za-z0-9-]{1,64}", re.ASCII)
PROBE = os.urandom(4096)


class FilesystemStorage:
    """One file per key under ``root``, readable by this user only."""

    name = "filesystem"
    look_seconds = 0.0

    def __init__(self, root: Path) -> None:
        self._incoming = root / "incoming"
        self._sealed = root / "sealed"
        for area in (self._incoming, self._sealed):
            area.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def append(self, key: str, offset: int, confirm: Callable[[], None] = lambda: None) -> Iterator[FileSink]:
        """See `app.ports.Storage`. Raises StateConflictError once the object is sealed."""
        path, sealed = self._path(self._incoming, key), self._path(self._sealed, key)
        with storage_errors():
            if offset == 0:
                _make_directory(path.parent)
            try:
                fd = _open_locked(path, os.O_RDWR | (os.O_CREAT if offset == 0 else 0))
            except (NotFoundError, PermissionError) as error:
                if not sealed.exists() and not path.exists():
                    raise
                # Moved, or frozen to be moved, by a sealing that crashed later.
                raise StateConflictError("This upload is complete already.", key=key) from error
        try:
            with storage_errors():
                if sealed.exists():  # looked for under the lock that sealing takes
                    path.unlink()  # another name of the sealed object, or made just now
                    raise StateConflictError("This upload is complete already.", key=key)
            confirm()
            with storage_errors():
                if os.fstat(fd).st_size < offset:
                    raise NotFoundError("Those bytes are no longer here: begin again.", key=key)
                os.ftruncate(fd, offset)
            sink = FileSink(fd, path.parent, offset)
            try:
                yield sink
            except StorageFullError:
                sink.cut_back()
                raise
        finally:
            os.close(fd)

    def seal(self, key: str, size: int) -> str:
        """See `app.ports.Storage`. May be repeated after a crash between any two of its steps.

        Raises:
            LockedError: somebody is still writing to it.
            StateConflictError: another object is sealed under this key.
        """
        incoming, sealed = self._path(self._incoming, key), self._path(self._sealed, key)
        with storage_errors():
            fd = _open_to_seal(incoming, sealed)
            try:
                if os.fstat(fd).st_size != size:
                    raise NotFoundError("No object of that size is here.", key=key, size=size)
                _freeze(fd, incoming)
                _make_directory(sealed.parent)
                _move(incoming, sealed)
                # link and unlink changed the ctime: it becomes final, and durable, only now
                os.fsync(fd)
                return _version(fd)
            finally:
                os.close(fd)

    def open_incoming(self, key: str) -> BinaryIO:
        """See `app.ports.Storage`."""
        with storage_errors():
            try:
                return os.fdopen(_open(self._path(self._incoming, key), os.O_RDONLY), "rb")
            except NotFoundError:
                return self.open(key)[0]

    def open(self, key: str) -> tuple[BinaryIO, str]:
        """See `app.ports.Storage`."""
        with storage_errors():
            file = os.fdopen(_open(self._path(self._sealed, key), os.O_RDONLY), "rb")
            return file, _version(file.fileno())

    def put_side(self, key: str, side: Side, content: BinaryIO, _status: ScanStatus | None = None) -> None:
        """See `app.ports.Storage`."""
        path = self._path(self._sealed, key)
        with storage_errors():
            sides.put(path, side, content)

    def open_side(self, key: str, side: Side) -> BinaryIO:
        """See `app.ports.Storage`."""
        path = sides.path_of(self._path(self._sealed, key), side)
        with storage_errors():
            return os.fdopen(_open(path, os.O_RDONLY), "rb")

    def delete(self, key: str) -> bool:
        """See `app.ports.Storage`."""
        with storage_errors():
            incoming, sealed = self._path(self._incoming, key), self._path(self._sealed, key)
            swept = not (incoming.exists() or sealed.exists())
            incoming.unlink(missing_ok=True)
            sealed.unlink(missing_ok=True)
            sides.delete(sealed, crumbs=swept)
        return True

    def stored(self) -> Iterable[tuple[str, float]]:
        """See `app.ports.Storage`. A key comes twice if a crash left it half sealed or half deleted."""
        with storage_errors():
            os.utime(self._incoming)  # asks the clock that sets file times, which may be a server's
            now = self._incoming.stat().st_ctime
        for area in (self._incoming, self._sealed):
            for path in area.glob("*/*"):
                object_ = sides.object_of(path)
                key = object_.relative_to(area).as_posix()
                if not KEY.fullmatch(key) or (path != object_ and object_.exists()):
                    continue
                try:
                    yield key, now - path.stat().st_ctime
                except FileNotFoundError:
                    continue  # sealed or deleted since it was listed

    def check(self) -> None:
        """See `app.ports.Storage`."""
        with storage_errors(), TemporaryFile(dir=self._incoming, buffering=0) as file:
            file.write(PROBE)
            os.fsync(file.fileno())
            if os.pread(file.fileno(), len(PROBE), 0) != PROBE:
                raise DependencyError("The storage does not give back what was written to it.")

    def room(self) -> Room:
        """See `app.ports.HasRoom`."""
        with storage_errors():
            usage = disk_usage(self._incoming)
        return Room(usage.free, usage.total)

    @staticmethod
    def _path(area: Path, key: str) -> Path:
        if not KEY.fullmatch(key):
            raise NotFoundError("Bad storage key.", key=key)
        return area / key


def _open(path: Path, flags: int) -> int:
    """Return a descriptor. Raises NotFoundError, OSError."""
    try:
        return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileNotFoundError as error:
        raise NotFoundError("The bytes of this upload are not here.", path=str(path)) from error


def _open_locked(path: Path, flags: int, lock: int = fcntl.LOCK_EX) -> int:
    """Open and lock; return the descriptor. Raises LockedError, NotFoundError, OSError."""
    fd = _open(path, flags)
    try:
        fcntl.flock(fd, lock | fcntl.LOCK_NB)
        # the name may have been sealed away or deleted before the lock was ours
        if not path.exists() or not os.path.samestat(path.stat(), os.fstat(fd)):
            raise LockedError("Somebody else has just finished with this upload.", path=str(path))
    except BlockingIOError as error:
        os.close(fd)
        raise LockedError("Somebody else is writing to this upload.", path=str(path)) from error
    except BaseException:
        os.close(fd)
        raise
    return fd


def _open_to_seal(incoming: Path, sealed: Path) -> int:
    try:
        return _open_locked(incoming, os.O_RDWR)
    except PermissionError:
        # Frozen by a try that crashed. NFS locks exclusively only what is open for writing;
        # sharing is safe here, because link and unlink happen once whoever does them.
        return _open_locked(incoming, os.O_RDONLY, fcntl.LOCK_SH)
    except NotFoundError:
        return _open(sealed, os.O_RDONLY)


def _freeze(fd: int, incoming: Path) -> None:
    """Make the bytes durable and read-only.

    A failed fsync throws dirty pages away and the next one succeeds, so the object must
    not live to be sealed by a second try.
    """
    if stat.S_IMODE(os.fstat(fd).st_mode) != 0o400:  # chmod would change a sealed object's ctime
        os.fchmod(fd, 0o400)
    try:
        os.fsync(fd)
    except OSError:
        incoming.unlink(missing_ok=True)
        raise


def _move(incoming: Path, sealed: Path) -> None:
    """Rename without overwriting. At every moment at least one of the names is durable."""
    try:
        os.link(incoming, sealed)
    except FileExistsError as error:  # an earlier try came this far
        if not incoming.samefile(sealed):
            raise StateConflictError("Another object is sealed there.", path=str(sealed)) from error
    except FileNotFoundError:  # ... or farther
        if not sealed.exists():
            raise
    sync_directory(sealed.parent)
    incoming.unlink(missing_ok=True)
    sync_directory(incoming.parent)


def _version(fd: int) -> str:
    """Name the content: nobody can write to or replace a file and keep all three."""
    status = os.fstat(fd)
    return f"{status.st_size}-{status.st_ino}-{status.st_ctime_ns}"


def _make_directory(path: Path) -> None:
    with suppress(FileExistsError):  # by somebody who may not have made the name durable yet
        path.mkdir(mode=0o700)
    sync_directory(path.parent)
