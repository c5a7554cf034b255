"""One archive through the scan, with what that cost and touched."""

import ctypes
import io
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.bundle.budget import Budget
from app.domain.verdict import ScanReport
from app.ports import Scanner
from app.services.scanning.examine import examine

CONNECTIONS = 4
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_written: list[str] | None = None  # while somebody watches


@dataclass(frozen=True, slots=True)
class Outcome:
    """``growth`` is bytes of memory at the peak beyond those before; ``written`` files opened to write."""

    report: ScanReport
    seconds: float
    growth: int
    written: tuple[str, ...]
    threads: int  # left over


def outcome(scanner: Scanner, bundle: bytes, budget: Budget) -> Outcome:
    """Examine a bundle and watch."""
    threads = set(threading.enumerate())  # those of earlier tests may end meanwhile
    before = _forget_peak()
    with _watched() as written:
        started = time.monotonic()
        report = examine(scanner, io.BytesIO(bundle), budget=budget, connections=CONNECTIONS)
        seconds = time.monotonic() - started
    growth = _memory("VmHWM") - before
    left_over = set(threading.enumerate()) - threads
    return Outcome(report, seconds, growth, tuple(written), len(left_over))


@contextmanager
def _watched() -> Iterator[list[str]]:
    global _written  # an audit hook cannot be taken out again
    _written = []
    try:
        yield _written
    finally:
        _written = None


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    """Note what is opened to write outside temp, and every change of the file system's names."""
    if _written is None:
        return
    if event == "open":
        path, _, flags = arguments
        if isinstance(flags, int) and flags & _WRITING and isinstance(path, str | bytes):
            place = Path(os.fsdecode(path)).resolve()
            if not place.is_relative_to(tempfile.gettempdir()):
                _written.append(str(place))
    elif event in {
        "os.mkdir",
        "os.symlink",
        "os.link",
        "os.rename",
        "os.chmod",
        "os.chown",
        "subprocess.Popen",
    }:
        _written.append(f"{event} {arguments}")


sys.addaudithook(_audit)


def _forget_peak() -> int:
    """Begin a new peak of this process's memory (proc(5), clear_refs) and return where it stands."""
    ctypes.CDLL(None).malloc_trim(0)  # what is kept for later would hide what is taken now
    Path("/proc/self/clear_refs").write_text("5")
    return _memory("VmRSS")


def _memory(key: str) -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(key))
    return int(line.split()[1]) * 1024
