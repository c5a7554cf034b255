"""Starting, awaiting, stopping: with small programs in place of the real services."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from app.cli.dev import ROOT
from app.cli.dev.lock import AlreadyRunningError, stop, take, take_pid_file
from app.cli.dev.mailsink import page
from app.cli.dev.ports import free_port, is_free
from app.cli.dev.process import LOG_LIMIT, Group, Process, ProcessFailedError
from app.cli.dev.supervisor import FIRST_DELAY, LONGEST_DELAY, STEADY, Keeper

STUBBORN = "trap '' TERM; touch ready; while :; do sleep 0.1; done"


def eventually(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "that did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Make processes that run a shell script in the test's directory, and end them all."""
    made: list[Process] = []

    def make(script: str, name: str = "script", **options: float) -> Process:
        process = Process(name, ["sh", "-c", script], tmp_path / f"{name}.log", directory=tmp_path)
        for option, value in options.items():
            setattr(process, option, value)
        made.append(process)
        return process

    yield make
    for process in made:
        process.kill()


def test_stops_when_asked(shell: Callable[..., Process]) -> None:
    process = shell("exec sleep 60")
    process.start()
    process.wait_ready()
    process.stop()
    assert not process.running
    assert process.popen is not None
    assert process.popen.returncode == -signal.SIGTERM


def test_one_that_does_not_stop_is_killed_with_its_children(
    shell: Callable[..., Process], tmp_path: Path
) -> None:
    process = shell(f"sleep 60 & echo $! > child; {STUBBORN}", grace=0.2)
    process.ready = (tmp_path / "ready").exists
    process.start()
    process.wait_ready()
    child = psutil.Process(int((tmp_path / "child").read_text()))
    process.stop()
    assert not process.running
    eventually(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_a_failed_start_shows_the_end_of_this_starts_log(
    shell: Callable[..., Process], tmp_path: Path
) -> None:
    (tmp_path / "script.log").write_text("from an earlier run\n")
    process = shell("echo the disk is full; exit 3")
    process.ready = lambda: False
    process.start()
    with pytest.raises(ProcessFailedError, match="the disk is full") as failure:
        process.wait_ready()
    assert "earlier" not in str(failure.value)


def test_one_that_never_answers_is_given_up(shell: Callable[..., Process]) -> None:
    process = shell("exec sleep 60", patience=0.1)
    process.ready = lambda: False
    process.start()
    with pytest.raises(ProcessFailedError, match="did not answer"):
        process.wait_ready()


def test_finish_tells_success_from_failure(shell: Callable[..., Process]) -> None:
    for script, succeeds in (("exit 0", True), ("exit 1", False)):
        process = shell(script)
        process.start()
        if succeeds:
            process.finish()
        else:
            with pytest.raises(ProcessFailedError, match="failed"):
                process.finish()


def test_a_long_log_begins_anew(shell: Callable[..., Process]) -> None:
    process = shell("echo hello")
    process.log.write_bytes(b"x" * (LOG_LIMIT + 1))
    process.start()
    process.finish()
    assert process.log.read_text() == "hello\n"


def test_nothing_outlives_a_killed_parent(tmp_path: Path) -> None:
    script = f"""
from pathlib import Path
from app.cli.dev.process import Process
process = Process("sleep", ["sleep", "60"], Path({str(tmp_path)!r}) / "log")
process.start()
print(process.pid, flush=True)
process.finish()
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        assert child.is_running()
        # Killed before setpriv has asked for the signal, the child would stay: wait for its exec.
        eventually(lambda: child.name() == "sleep")
        parent.kill()
    eventually(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_a_group_stops_what_it_had_started_when_one_fails(shell: Callable[..., Process]) -> None:
    good, bad = shell("exec sleep 60", "good"), shell("exit 1", "bad")
    bad.ready = lambda: False
    group = Group([good, bad])
    with pytest.raises(ProcessFailedError, match="bad"), group:
        pass
    assert not good.running
    assert group["good"] is good


def test_what_keeps_dying_is_started_ever_more_slowly(
    shell: Callable[..., Process], capsys: pytest.CaptureFixture[str]
) -> None:
    process = shell("exec sleep 60")
    keeper = Keeper(process)
    now, delays = 0.0, []
    for _ in range(8):
        process.kill()
        keeper.look(now)
        died = now
        while not process.running:
            now += FIRST_DELAY / 2
            keeper.look(now)
        delays.append(now - died)
    assert delays == sorted(delays)
    assert delays[0] == pytest.approx(FIRST_DELAY, abs=FIRST_DELAY)
    assert delays[-1] == pytest.approx(LONGEST_DELAY, abs=FIRST_DELAY)
    assert "script ended" in capsys.readouterr().out

    keeper.look(now + STEADY + 1)  # it has lived long enough to be trusted again
    process.kill()
    keeper.look(now + STEADY + 2)
    keeper.look(now + STEADY + 2 + FIRST_DELAY)
    assert process.running


def test_one_stack_per_directory(tmp_path: Path) -> None:
    assert not stop(tmp_path), "nothing ever ran"
    holder = "from pathlib import Path; from app.cli.dev.lock import take_pid_file; import sys, time"
    script = f"{holder}; take_pid_file(Path(sys.argv[1])); print('taken', flush=True); time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", script, tmp_path], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "taken\n"
        with pytest.raises(AlreadyRunningError, match="make stop"):
            take_pid_file(tmp_path)
        assert stop(tmp_path)
    assert not stop(tmp_path), "a stale file is no running stack"


def test_a_child_holds_the_lock_that_it_was_given(shell: Callable[..., Process], tmp_path: Path) -> None:
    process = shell("exec sleep 60")
    process.hold = take(tmp_path / "lock")
    process.start()
    os.close(process.hold)
    with pytest.raises(AlreadyRunningError):
        take(tmp_path / "lock")
    process.stop()
    os.close(take(tmp_path / "lock", wait=5))


def test_a_preferred_port_that_is_taken_gives_the_next() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert not is_free(port)
        with suppress(StopIteration):  # at the very end of the port range there is no next one
            assert free_port(port) > port


def test_caught_mail_is_shown_escaped_with_clickable_links() -> None:
    mail = {"to": "a@b", "subject": "<b>Hi</b>", "at": "now", "text": "See https://x.test/?a=1&b=2 <i>"}
    shown = page([mail])
    assert "&lt;b&gt;Hi" in shown
    assert '<a href="https://x.test/?a=1&amp;b=2">' in shown
    assert "<i>" not in shown
