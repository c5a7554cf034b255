"""Seek points into a gzip file: a window of its expanded bytes without expanding all before it.

zran (indexed-gzip) notes every so often where a deflate block begins, and the 32 KiB before it.
It works with zlib, several gzip members in one file (RFC 1952, 2.2) included. Its notes are kept
beside the bundle, after one line that says of which bytes they are.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import SEEK_END, BytesIO, UnsupportedOperation
from pathlib import Path
from queue import Empty, Full, Queue
from threading import Event, Thread
from types import TracebackType
from typing import BinaryIO, Self, cast

from indexed_gzip import IndexedGzipFile, ZranError, _IndexedGzipFile

SPACING = 4 * 1024**2  # expanded bytes between two points: what a window costs, at most
WIDEST = 20 * 1024**2  # zran holds four times as many bytes while it builds
MOST_WINDOWS = 2_500  # of 32 KiB, all in memory until the end
MOST_POINTS = 100_000  # those where a gzip member begins need no window
_USUAL_RATIO = 20  # logs expand to 10 or 20 times their size
_WINDOW = 32 * 1024
_READ = 256 * 1024
_LOOK_EVERY = 16 * 1024**2  # bytes of the file
_DEPTH = 8  # chunks on their way
_MOST_ENDS = 20_000  # times that zran may look for more at the end: once per gzip member in its buffer
_LOOK_UP = 0.2  # seconds between two looks at whether the other end is gone


class StaleIndexError(Exception):
    """The index is not of the bytes that it was wanted for."""


class TooManyPointsError(Exception):
    """The file unfolds into so much that its index would take too much memory."""


class StoppedError(Exception):
    """Whoever fed the file went away."""


class SeekIndex:
    """Built by a thread of its own from the file's bytes, which somebody else reads and feeds to it.

    A context manager, which ends the thread. Whatever goes wrong is kept as ``failure``: an index
    is a help and no part of any verdict.
    """

    def __init__(self, size: int) -> None:
        """``size`` is of the file, in bytes; the larger, the wider the points lie apart."""
        self.failure: Exception | None = None
        self._queue: Queue[bytes] = Queue(_DEPTH)
        self._over = Event()  # nobody takes any more
        self._stopped = Event()  # nobody feeds any more
        self._source = _Fed(size, self._chunks(), self._look)
        spacing = min(WIDEST, max(SPACING, size * _USUAL_RATIO // MOST_WINDOWS))
        self._spacing = spacing
        self._file = _IndexedGzipFile(
            fileobj=self._source,
            spacing=spacing,
            window_size=_WINDOW,
            readbuf_size=_READ,
            skip_crc_check=True,
        )
        self._thread = Thread(target=self._build, name="seek-index", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()
        self._file.close()

    def feed(self, data: bytes) -> None:
        """Hand over the next bytes, waiting for room; b"" says that no more come."""
        while not self._over.is_set():
            try:
                return self._queue.put(data, timeout=_LOOK_UP)
            except Full:
                continue
        return None

    def write(self, path: Path, of: str) -> bool:
        """Wait for the end and write the index, which is then of the bytes named ``of``.

        False if there is none; see ``failure``. Raises OSError.
        """
        self.feed(b"")
        self._thread.join()
        if self.failure is not None or not self._expanded():
            return False  # of an empty file zran would look for the end for ever
        with path.open("wb") as target:
            target.write(of.encode() + b"\n")
            with _zran_errors():
                self._file.export_index(fileobj=_Plain(target, "wb"))
        return True

    def _build(self) -> None:
        try:
            with _zran_errors():
                self._file.build_full_index()
        except Exception as error:  # noqa: BLE001 - a library in C; nothing may come out of a thread
            self.failure = self._source.failure or error
        finally:
            self._over.set()

    def _chunks(self) -> Iterator[bytes]:
        while True:
            try:
                data = self._queue.get(timeout=_LOOK_UP)
            except Empty:
                if self._stopped.is_set():
                    raise StoppedError from None
                continue
            if not data:
                return
            yield data

    def _look(self) -> None:
        """Raise TooManyPointsError in time."""
        expanded = self._expanded()
        if self._file.npoints > MOST_POINTS or expanded > MOST_WINDOWS * self._spacing:
            raise TooManyPointsError(f"{self._file.npoints:,} points in {expanded:,} bytes")

    def _expanded(self) -> int:
        """Return how many expanded bytes the points found so far reach."""
        return max((point[0] for point in self._file.seek_points()), default=0)


class _Fed:
    """Chunks as the file that zran reads from its beginning to its end."""

    mode = "rb"

    def __init__(self, size: int, chunks: Iterator[bytes], look: Callable[[], None]) -> None:
        self.failure: Exception | None = None
        self._size = size
        self._chunks = chunks
        self._look = look
        self._held = bytearray()
        self._position = 0
        self._seen = 0
        self._ends = 0

    def read(self, size: int) -> bytes:
        """Return ``size`` bytes, or fewer at the end: zran takes anything less for damage."""
        try:
            while len(self._held) < size and (chunk := next(self._chunks, b"")):
                self._held += chunk
            data = bytes(self._held[:size])
            del self._held[:size]
            self._check(data)
        except Exception as error:
            self.failure = error  # zran tells of none
            raise
        return data

    def _check(self, data: bytes) -> None:
        self._position += len(data)
        self._ends += not data
        if self._ends > _MOST_ENDS:
            raise EOFError("zran reads on behind the end")
        if self._position > self._seen + _LOOK_EVERY:
            self._seen = self._position
            self._look()

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """Before anything is read: to the end, which gives zran the size, and back."""
        if self._seen or offset:
            raise UnsupportedOperation
        self._position = self._size if whence == SEEK_END else 0
        return self._position

    def tell(self) -> int:
        return self._position


class _Plain:
    """A file without a descriptor: zran would open a second file over it, and never close that."""

    def __init__(self, file: BinaryIO, mode: str) -> None:
        self.mode = mode
        self.read, self.write, self.flush = file.read, file.write, file.flush
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def fileno(self) -> int:
        raise UnsupportedOperation


def open_at(source: BinaryIO, index: BinaryIO, of: str) -> BinaryIO:
    """Return the expanded bytes of ``source`` as a file in which `seek` is quick.

    ``source`` stays open when that is closed.

    Raises:
        StaleIndexError: the index is not of the bytes named ``of``.
        OSError: it cannot be read.
    """
    found = index.readline(len(of) + 1)
    if found != of.encode() + b"\n":
        raise StaleIndexError(f"an index of {found!r}, where one of {of} is wanted")
    file = IndexedGzipFile(
        fileobj=_Plain(source, "rb"), auto_build=False, readbuf_size=_READ, buffer_size=_READ
    )
    try:
        with _zran_errors():
            file.import_index(fileobj=BytesIO(index.read()))
    except OSError:
        file.close()
        raise
    return cast("BinaryIO", file)


@contextmanager
def _zran_errors() -> Iterator[None]:
    """Give what zran says, which is an OSError, its cause as a text too."""
    try:
        yield
    except ZranError as error:
        raise OSError(f"{error} ({error.__cause__})") from error
