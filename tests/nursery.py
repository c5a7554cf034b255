"""The portal's processes, forked from one that has imported everything: each test starts half a dozen.

A start from nothing costs a second and more of computing, most of it imports that are the same each time.
What is forked is the product's own code, run as `python worker.py ...` or `python -m gunicorn ...` runs it,
in a clean process of its own: no patch of a test reaches it, and nothing but memory pages is shared.
"""

import ctypes
import importlib
import json
import os
import random
import runpy
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_LIBC = ctypes.CDLL(None)
_MOST = 65_536  # bytes of one order
_POLL = 0.01  # seconds


class Forked:
    """A process of the nursery, adopted: what `subprocess.Popen` offers of it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return how it ended; None while it runs."""
        if self.returncode is None:
            found, status = os.waitpid(self.pid, os.WNOHANG)
            if found:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return how it ended. Raises subprocess.TimeoutExpired."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (ended := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
            time.sleep(_POLL)  # between two looks, as subprocess.Popen.wait does
        return ended

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)


class Nursery:
    """Forks the portal's processes on demand. The first use starts it; it ends with the test process."""

    def __init__(self) -> None:
        self._line: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def fork(self, argv: Sequence[str], environment: Mapping[str, str], directory: Path, log: Path) -> Forked:
        """Run what ``argv`` says after the interpreter's name; what it writes is appended to ``log``."""
        line = self._line or self._start()
        order = {"argv": argv, "environment": dict(environment), "directory": str(directory), "log": str(log)}
        line.send(json.dumps(order).encode())
        return Forked(int(line.recv(32)))

    def _start(self) -> socket.socket:
        # Whoever its children leave without a parent becomes our child, and can be waited for.
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.nursery", str(theirs.fileno()), str(os.getpid())],
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()
        return self._line

    def close(self) -> None:
        """Let it end."""
        if self._line and self._process:
            self._line.close()
            self._process.wait(10)


def main(descriptor: int, reaper: int) -> None:
    """Take orders until whoever gives them is gone."""
    for name in ("gunicorn.app.wsgiapp", "gunicorn.workers.gthread", "app.cli", "app.jobs.worker", "app.web"):
        importlib.import_module(name)  # that children find it loaded
    line = socket.socket(fileno=descriptor)
    while order := line.recv(_MOST):
        reading, writing = os.pipe()
        between = os.fork()
        if between == 0:
            if child := os.fork():
                os.write(writing, str(child).encode())
                os._exit(0)
            _live(json.loads(order), reaper)
        os.close(writing)
        born = os.read(reading, 32)
        os.close(reading)
        os.waitpid(between, 0)  # from then on the reaper is its parent
        line.send(born)


def _live(order: dict[str, Any], reaper: int) -> None:
    """Become the process that was ordered; end with it."""
    code = 1
    try:
        os.setsid()
        while os.getppid() != reaper:  # the one in between has not ended yet
            time.sleep(0.001)
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        os.chdir(order["directory"])
        os.environ.clear()
        os.environ.update(order["environment"])
        log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.closerange(3, 256)
        random.seed()
        code = _run(order["argv"])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _run(argv: list[str]) -> int:
    """Do what `python argv...` does; return its exit code."""
    try:
        if argv[0] == "-m":
            sys.argv = ["", *argv[2:]]
            runpy.run_module(argv[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = list(argv)
            runpy.run_path(argv[0], run_name="__main__")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)  # noqa: T201  # as the interpreter does
        return 1
    except BaseException:  # noqa: BLE001  # shown as the interpreter shows it
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
