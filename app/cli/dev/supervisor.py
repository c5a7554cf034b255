"""`make run`: starts everything, keeps it alive, stops it in order."""

import os
import secrets
import signal
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

from app.cli.dev.application import Application
from app.cli.dev.lock import AlreadyRunningError, take, take_pid_file
from app.cli.dev.ports import is_free
from app.cli.dev.probe import obstacle
from app.cli.dev.process import Group, Process, ProcessFailedError
from app.cli.dev.services import Services

TICK = 0.1  # seconds between two looks at everything
FIRST_DELAY = 0.2  # seconds from a program's death to its next start
LONGEST_DELAY = 10.0  # the same, when it keeps dying
STEADY = 10.0  # seconds of life after which a program no longer counts as one that keeps dying
PROBE_PATIENCE = 90.0  # seconds from everything started to everything working


class Interrupted(Exception):  # noqa: N818 - not an error
    """Somebody asked us to stop."""


class Supervisor:
    """The stack of one directory, in the foreground."""

    def __init__(self, directory: Path, port: int) -> None:
        self.directory = directory
        self.port = port
        self._asked_to_stop = False
        self._parent_listened = _parent_catches_sigint()

    def run(self) -> int:
        """Run until interrupted; return the exit status. What goes wrong is said on standard output."""
        self.directory.mkdir(parents=True, exist_ok=True)
        try:
            self._run()
        except Interrupted:
            say("Stopped.")
            return 0
        except (AlreadyRunningError, ProcessFailedError) as error:
            say(str(error))
        return 1

    def _run(self) -> None:
        began = time.monotonic()
        pid_file = take_pid_file(self.directory)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        children = self._await_leftovers()
        if not is_free(self.port):
            raise ProcessFailedError(f"Port {self.port} is taken by another program. Try: make run PORT=8001")
        say(f"Starting. Data and logs are in {self.directory}")
        services = Services(self.directory)
        settings = {"DIAGPORT_SECRET_KEY": _secret_key(self.directory / "secret.key")}
        application = Application(services, self.directory, port=self.port, settings=settings)
        migrate = application.python("migrate", "-m", "alembic", "upgrade", "head")
        accounts = self.directory / "demo.json"
        options = ["--file", str(accounts), "--url", application.url, "--mail", services.mail_url]
        demo = application.python("demo", "-m", "flask", "--app", "wsgi", "dev", "demo", *options)
        alone = Group([migrate, demo, *([services.freshclam] if services.freshclam else [])])
        for process in (*services, *alone, *application):
            process.hold = children
        try:
            services.start(self._pause)
            migrate.start()
            migrate.finish(self._pause)
            demo.start()
            application.start(self._pause)
            demo.finish(self._pause)
            self._await_no_obstacle(services, application)
            say(f"Mail: {services.mail_url}   accounts: {accounts}   ({time.monotonic() - began:.1f} s)")
            say(f"Ready: {application.url}")
            if services.freshclam:
                services.freshclam.start()
            self._keep_alive([*services, *application])
        finally:
            for group in (application, alone, services):
                group.stop()
            os.close(children)
            os.close(pid_file)

    def _await_leftovers(self) -> int:
        """Return the lock that our children shall hold, once those of a killed supervisor have gone."""
        try:
            return take(self.directory / "children.lock", wait=20)
        except AlreadyRunningError:
            raise ProcessFailedError("Programs of the previous run are still stopping. Try again.") from None

    def _await_no_obstacle(self, services: Services, application: Application) -> None:
        deadline = time.monotonic() + PROBE_PATIENCE
        while reason := obstacle(services, application):
            if time.monotonic() > deadline:
                raise ProcessFailedError(f"An upload would not go through: {reason}")
            self._pause(TICK)

    def _keep_alive(self, processes: list[Process]) -> None:
        keepers = [Keeper(process) for process in processes]
        while True:
            self._pause(TICK)
            for keeper in keepers:
                keeper.look(time.monotonic())

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._asked_to_stop = True  # acted upon where nothing is half done

    def _pause(self, seconds: float) -> None:
        time.sleep(seconds)
        # A SIGINT for make alone does not reach us, and make then waits for our end: notice that it
        # has given up its handler.
        if self._asked_to_stop or (self._parent_listened and not _parent_catches_sigint()):
            raise Interrupted


class Keeper:
    """Starts one program again whenever it dies, ever more slowly while it keeps dying."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self._delay = FIRST_DELAY
        self._started = 0.0
        self._due: float | None = None  # when to start it again

    def look(self, now: float) -> None:
        """Do what is due at `now`, in monotonic seconds."""
        if self.process.running:
            if now - self._started > STEADY:
                self._delay = FIRST_DELAY
        elif self._due is None:
            say(f"{self.process.name} ended; next start in {self._delay:.1f} s (log: {self.process.log})")
            self._due = now + self._delay
            self._delay = min(2 * self._delay, LONGEST_DELAY)
        elif now >= self._due:
            self.process.start()
            self._started, self._due = now, None


def say(text: str) -> None:
    """Print a line at once. That nobody reads any more is no reason to fail."""
    with suppress(OSError):
        print(text, flush=True)


def _secret_key(path: Path) -> str:
    """Read the installation's key, made at its first start."""
    with suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(descriptor, secrets.token_urlsafe(48).encode())
        os.close(descriptor)
    return path.read_text()


def _parent_catches_sigint() -> bool:
    try:
        status = Path(f"/proc/{os.getppid()}/status").read_text()
    except OSError:
        return False
    caught = int(status.split("SigCgt:")[1].split()[0], 16)
    return bool(caught >> (signal.SIGINT - 1) & 1)
