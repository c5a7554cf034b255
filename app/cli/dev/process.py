"""Programs run in the foreground, as our own children: started, awaited, stopped, and gone when we are.

Start them from the main thread: the kernel's "parent died" signal is tied to the thread that forked.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Self

import psutil

from app.cli.dev.account import Account

LOG_LIMIT = 10 * 1024**2  # bytes; a longer log begins anew at the next start
POLL = 0.02  # seconds between two looks at a program that is starting or stopping

Pause = Callable[[float], None]  # sleeps; may raise to end the wait


class ProcessFailedError(Exception):
    """A program did not start, or ended badly; the message shows the end of its log."""


@dataclass
class Process:
    """One program and how to run it. Times are seconds."""

    name: str
    argv: Sequence[str | Path]
    log: Path
    ready: Callable[[], bool] = lambda: True
    environment: Mapping[str, str] = field(default_factory=dict)  # on top of our own
    account: Account | None = None  # whom to become
    directory: Path | None = None  # to run in
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGTERM  # what it gets when we are killed
    grace: float = 10.0  # from the stop signal to SIGKILL
    patience: float = 60.0  # from start to ready
    prepare: Callable[[], None] = lambda: None  # before every start
    hold: int | None = None  # a descriptor the program keeps open while it lives
    popen: "subprocess.Popen[bytes] | None" = field(default=None, init=False)
    _log_start: int = field(default=0, init=False)

    @property
    def pid(self) -> int:
        """Raises ProcessFailedError when it was never started."""
        if self.popen is None:
            raise ProcessFailedError(f"{self.name} is not running.")
        return self.popen.pid

    @property
    def running(self) -> bool:
        return self.popen is not None and self.popen.poll() is None

    def start(self) -> None:
        """Start it; it need not be ready yet. Does nothing when it runs already."""
        if self.running:
            return
        self.prepare()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            if log.tell() > LOG_LIMIT:
                log.truncate(0)
            self._log_start = log.seek(0, os.SEEK_END)
            self.popen = self._spawn(log)

    def _spawn(self, log: BinaryIO) -> "subprocess.Popen[bytes]":
        # A session of its own: Ctrl-C reaches us alone, and we choose the order.
        return subprocess.Popen(
            self._command(),
            env={**os.environ, **self.environment},
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=() if self.hold is None else (self.hold,),
            start_new_session=True,
        )

    def _command(self) -> list[str | Path]:
        # setpriv asks for the death signal after it has changed the user, which would clear it.
        options = self.account.options if self.account else ()
        return ["setpriv", "--pdeathsig", self.death_signal.name, *options, "--", *self.argv]

    def wait_ready(self, pause: Pause = time.sleep) -> None:
        """Return when it answers.

        Raises:
            ProcessFailedError: it ended, or did not answer within `patience`.
        """
        deadline = time.monotonic() + self.patience
        while not (self.running and self.ready()):
            if not self.running:
                raise self.failure("ended before it was ready")
            if time.monotonic() > deadline:
                raise self.failure(f"did not answer within {self.patience:.0f} s")
            pause(POLL)

    def finish(self, pause: Pause = time.sleep) -> None:
        """Wait for its end. Raises ProcessFailedError unless it succeeded."""
        while self.running:
            pause(POLL)
        if self.popen is None or self.popen.returncode:
            raise self.failure("failed")

    def ask_to_stop(self) -> None:
        if self.popen is not None and self.running:
            self.popen.send_signal(self.stop_signal)

    def stop(self) -> None:
        """Stop it in its own time, or by force after `grace`. What does not run is left alone."""
        self.ask_to_stop()
        if self.popen is not None:
            try:
                self.popen.wait(self.grace)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End it and everything below it at once, as a crash would."""
        if self.popen is None or not self.running:
            return
        with suppress(psutil.NoSuchProcess):
            below = psutil.Process(self.popen.pid).children(recursive=True)
            self.popen.kill()
            for child in below:
                with suppress(psutil.NoSuchProcess):
                    child.kill()
            while any(_lives(child) for child in below):
                time.sleep(POLL)
        self.popen.wait()

    def failure(self, what: str) -> ProcessFailedError:
        """Make the error that says what happened and what it last logged."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            lines = log.read().decode(errors="replace").splitlines()[-15:]
        return ProcessFailedError("\n    ".join([f"{self.name} {what} (log: {self.log}).", *lines]))


def _lives(process: psutil.Process) -> bool:
    try:  # a zombie waits for process 1 to notice it, which may take a second
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Group:
    """Processes that start together and stop together, in reverse order; by name."""

    def __init__(self, processes: Iterable[Process]) -> None:
        self.processes = {process.name: process for process in processes}

    def __getitem__(self, name: str) -> Process:
        return self.processes[name]

    def __iter__(self) -> Iterator[Process]:
        return iter(self.processes.values())

    def start(self, pause: Pause = time.sleep) -> None:
        """Start all side by side; return when all are ready. Raises ProcessFailedError."""
        for process in self:
            process.start()
        for process in self:
            process.wait_ready(pause)

    def stop(self) -> None:
        for process in reversed(self.processes.values()):
            process.ask_to_stop()
        for process in reversed(self.processes.values()):
            process.stop()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()


def program(name: str) -> Path:
    """Find a program, also where a plain user's PATH does not look.

    Raises:
        ProcessFailedError: it is not installed.
    """
    found = shutil.which(name, path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin")
    if found is None:
        raise ProcessFailedError(f"{name} is not installed.")
    return Path(found)
