"""What the web processes cost: processor seconds and memory."""

import re
from pathlib import Path

import psutil


class Meter:
    """Watches a process and all below it."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)

    def processes(self) -> list[psutil.Process]:
        return [self._root, *self._root.children(recursive=True)]

    def cpu(self) -> float:
        """Return the processor seconds, user and system, used so far."""
        return sum(each.user + each.system for each in (one.cpu_times() for one in self.processes()))

    def peak_rss(self) -> int:
        """Return the most bytes that any one process ever had in memory (VmHWM, proc(5))."""
        return max(_peak(process.pid) for process in self.processes())


def _peak(pid: int) -> int:
    found = re.search(r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0
