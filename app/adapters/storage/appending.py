"""Writing one file so that its bytes are on the disk when we say so."""

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.domain.errors import DependencyError, StorageFullError

WRITE_BACK_BYTES = 8 * 1024**2  # written pages are handed to the disk in steps of this size
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_SYNC_FILE_RANGE_WRITE = 2  # linux/fs.h: start writing dirty pages, wait for nothing
_sync_file_range = getattr(ctypes.CDLL(None), "sync_file_range", None)  # Linux only; a hint, so optional
if _sync_file_range is not None:
    _sync_file_range.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)


@contextmanager
def storage_errors() -> Iterator[None]:
    """Tell a full store (StorageFullError) from a broken one (DependencyError)."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise StorageFullError("The storage is full.", error=str(error)) from error
        raise DependencyError("The storage does not answer as it should.", error=str(error)) from error


class FileSink:
    """An `app.ports.Sink` over an open, locked file that is ``offset`` bytes long.

    ``sync`` also makes the file's name durable when the file may be new. After a failed
    sync the kernel forgets which pages it lost, so the sink is dead from then on and the
    file is cut back to what had been durable before.
    """

    def __init__(self, fd: int, directory: Path, offset: int) -> None:
        self.offset = offset
        self._fd = fd
        self._durable = offset
        self._handed_over = offset
        self._unnamed_in = directory if offset == 0 else None
        self._failed = False

    def write(self, data: memoryview) -> None:
        """See `app.ports.Sink`."""
        self._refuse_if_failed()
        written = 0
        with storage_errors():
            while written < len(data):  # a nearly full disk takes a part, then says so
                written += os.pwrite(self._fd, data[written:], self.offset + written)
        self.offset += written
        pending = self.offset - self._handed_over
        if pending >= WRITE_BACK_BYTES and _sync_file_range is not None:
            # so that the final fdatasync finds little to do; that one reports any failure
            _sync_file_range(self._fd, self._handed_over, pending, _SYNC_FILE_RANGE_WRITE)
            self._handed_over = self.offset

    def sync(self) -> None:
        """See `app.ports.Sink`."""
        self._refuse_if_failed()
        try:
            with storage_errors():
                os.fdatasync(self._fd)
                if self._unnamed_in is not None:
                    sync_directory(self._unnamed_in)
        except (StorageFullError, DependencyError):
            self._failed = True
            self.cut_back()
            raise
        self._durable = self.offset
        self._unnamed_in = None

    def cut_back(self) -> None:
        """Drop what is not durable, which nobody was promised: on a full store others need the room."""
        with suppress(OSError):
            os.ftruncate(self._fd, self._durable)

    def _refuse_if_failed(self) -> None:
        if self._failed:
            raise DependencyError("The storage lost bytes of this upload: continue from the last offset.")


def sync_directory(path: Path) -> None:
    """Make the names in the directory durable. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
