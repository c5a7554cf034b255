"""One read of a stored object, which does everything at once."""

import io
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory, gettempdir
from types import TracebackType
from typing import BinaryIO, Self, cast

from app.bundle.budget import Budget
from app.bundle.seek import SeekIndex
from app.bundle.table import MemberTable
from app.domain.errors import PortalError
from app.domain.scan_status import ScanStatus
from app.domain.verdict import Obstacle, ScanReport
from app.log import get_logger
from app.ports import Scanner, Side, Storage
from app.services.scanning.examine import examine
from app.settings import Settings

log = get_logger(__name__)

PREFIX = "diagport-scan-"  # of the temporary directories
_LEFT_OVER = 86_400  # seconds; no scan takes so long

# With these, which come last of all, the bundle itself was still read and walked to its end.
_WALKED = {Obstacle.ENCRYPTED, Obstacle.LIMIT, Obstacle.TOO_DEEP}


def read(
    storage: Storage,
    scanner: Scanner,
    settings: Settings,
    key: str,
    *,
    watch: Callable[[], None] | None = None,
    known: Callable[[], ScanStatus | None] = lambda: None,
) -> tuple[ScanReport, str]:
    """Scan the stored object; return the report and the version that was read, from beginning to end.

    The table of what lies in it, and its seek index, are made on the way and kept beside it, as
    far as they could be made: the scan never fails for them. ``watch`` is called before every
    read of the object; what it raises ends the scan, unchanged. ``known`` says what an earlier scan found:
    until this one's verdict is written, that stays true of what lies beside it too.

    Raises:
        ScannerUnavailableError: the scanner is away; nothing is known about the bundle.
        DependencyError, OSError: the store failed.
        RuntimeError: the object changed meanwhile.
    """
    source, version = storage.open(key)
    with source, _Beside(source) as beside:
        report = examine(
            scanner,
            cast("BinaryIO", _Source(source, beside, watch)),
            budget=budget_of(settings),
            connections=settings.scan_connections,
            table=beside.table,
        )
        again, still = storage.open(key)
        again.close()
        if still != version:
            raise RuntimeError(f"the stored object changed while it was scanned: {version} -> {still}")
        beside.keep(storage, key, report, version, known())
    return report, version


def budget_of(settings: Settings) -> Budget:
    """Return how much work one bundle may cause."""
    return Budget(
        ratio=settings.bundle_ratio,
        expanded=settings.bundle_expanded_bytes,
        members=settings.bundle_members,
        path=settings.bundle_path_bytes,
        seconds=settings.bundle_seconds,
        depth=settings.bundle_depth,
    )


class _Source:
    """The stored object as it is scanned, of which the index sees every byte too."""

    def __init__(self, source: BinaryIO, beside: "_Beside", watch: Callable[[], None] | None) -> None:
        self._source = source
        self._beside = beside
        self._watch = watch

    def read(self, size: int) -> bytes:
        if self._watch:
            self._watch()
        data = self._source.read(size)
        self._beside.feed(data)
        return data

    def seek(self, offset: int) -> int:
        """Go back to the beginning, for another pass."""
        self._beside.restart()
        return self._source.seek(offset)


class _Beside:
    """What comes to lie beside the object, in a temporary directory until it is done."""

    def __init__(self, source: BinaryIO) -> None:
        """``source`` is the object, open; it is left at its beginning."""
        self._size = source.seek(0, io.SEEK_END)
        source.seek(0)
        self._held = ExitStack()  # all, and the index in it
        self._indexing = ExitStack()
        self._index: SeekIndex | None = None

    def __enter__(self) -> Self:
        _sweep()
        with ExitStack() as held:
            self._directory = Path(held.enter_context(TemporaryDirectory(prefix=PREFIX)))
            self.table = MemberTable(self._directory / "table")
            held.callback(self.table.discard)
            held.push(self._indexing)
            self._held = held.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()

    def restart(self) -> None:
        """Begin the index anew."""
        self._indexing.close()
        self._index = self._indexing.enter_context(SeekIndex(self._size))

    def feed(self, data: bytes) -> None:
        """Take in what was read."""
        if self._index and data:
            self._index.feed(data)

    def keep(
        self, storage: Storage, key: str, report: ScanReport, version: str, status: ScanStatus | None
    ) -> None:
        """Put what was made beside the object, in place of what an earlier scan made."""
        walked = report.complete or report.obstacle in _WALKED
        try:
            self._keep_table(storage, key, report, version, status, walked=walked)
            # zran is less strict, and its index of a damaged file good for nothing.
            if walked and self._index:
                self._keep_index(storage, key, self._index, report, status)
        except (PortalError, OSError) as error:
            log.warning("not_kept_beside", key=key, why=str(error), **getattr(error, "context", {}))

    def _keep_table(
        self,
        storage: Storage,
        key: str,
        report: ScanReport,
        version: str,
        status: ScanStatus | None,
        *,
        walked: bool,
    ) -> None:
        self.table.close(
            report.sha256, size=str(report.size), version=version, walked="yes" if walked else "no"
        )
        if self.table.lost:
            log.warning("no_member_table", key=key, why=self.table.lost)
            return
        packed = self._directory / "packed"
        with packed.open("wb") as target:
            self.table.compress(target)
        _put(storage, key, "members", packed, status)

    def _keep_index(
        self, storage: Storage, key: str, index: SeekIndex, report: ScanReport, status: ScanStatus | None
    ) -> None:
        path = self._directory / "index"
        if index.write(path, report.sha256):
            _put(storage, key, "gzidx", path, status)
        else:
            log.warning("no_seek_index", key=key, why=str(index.failure or "nothing in it"))


def _sweep() -> None:
    """Remove what workers that were killed have left."""
    for path in Path(gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            # file times come from this clock
            if time.time() - path.stat().st_mtime > _LEFT_OVER:
                rmtree(path)


def _put(storage: Storage, key: str, side: Side, path: Path, status: ScanStatus | None) -> None:
    with path.open("rb") as content:
        storage.put_side(key, side, content, status)
