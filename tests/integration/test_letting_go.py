"""What a worker does on ECS while a scan lasts, and how a scan lets go when its worker must stop: F22."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app.adapters.queue import RedisQueue
from app.cli.dev import ROOT
from app.cli.dev.application import Application
from app.cli.dev.services import Services
from app.domain.jobs import JobName, QueueName
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor
from app.jobs import letting_go
from app.jobs.scan_upload import rescan_upload, scan_upload
from app.system import System
from tests.adapters.hook_sink import HookSink
from tests.factories.uploads import make_upload
from tests.fakes import FakeQueue, FakeScanner
from tests.integration import rescanning
from tests.integration.looking import deeds, fresh


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Give what is set once the worker has asked."""
    asked = threading.Event()
    monkeypatch.setattr(letting_go, "_asked", asked)
    return asked


def test_a_first_scan_waits_for_another_worker_which_is_called(
    system: System, sender: Actor, queue: FakeQueue, scanner: FakeScanner, asked: threading.Event
) -> None:
    upload = make_upload(system, sender)
    queue.rung.clear()
    asked.set()
    scan_upload(system, str(upload.id))
    after = fresh(system, upload.id)
    assert (after.state, after.epoch, after.attempts) == (UploadState.SEALED, 1, 0)
    assert deeds(system, upload.id)[-2:] == ["upload.scanning", "upload.waiting"]
    assert queue.rung == [(JobName.SCAN_UPLOAD, str(upload.id))]
    assert letting_go.PATIENCE_SECONDS < 10, "it is over before a container is killed"


def test_a_second_scan_too(
    system: System, sender: Actor, queue: FakeQueue, scanner: FakeScanner, asked: threading.Event
) -> None:
    upload = make_upload(system, sender, UploadState.CLEAN)
    rescanning.ask(system, upload)
    before = fresh(system, upload.id).epoch
    queue.rung.clear()
    asked.set()
    rescan_upload(system, str(upload.id))
    after = fresh(system, upload.id)
    assert (after.state, after.epoch, after.attempts) == (UploadState.CLEAN, before + 1, 0)
    assert queue.rung == [(JobName.RESCAN_UPLOAD, str(upload.id))]


class Lock:
    """The lock of the question; a second signal comes as soon as it is held."""

    def __init__(self, lock: threading.Condition) -> None:
        self._lock, self.asked = lock, 0

    def __enter__(self) -> None:
        self._lock.acquire()
        self.asked += 1
        os.kill(os.getpid(), signal.SIGTERM)

    def __exit__(self, *_error: object) -> None:
        self._lock.release()

    def notify_all(self) -> None:
        self._lock.notify_all()


def asked_within_the_question() -> None:
    """Be told to stop while being told to stop, in a process of its own."""
    lock = letting_go._asked._cond = Lock(letting_go._asked._cond)  # type: ignore[attr-defined]
    letting_go.listen()
    os.kill(os.getpid(), signal.SIGTERM)
    assert lock.asked == 1
    letting_go.watch()


def test_two_questions_do_not_wait_for_each_other() -> None:
    """Else the job would hang, and its scan with it, until it is killed."""
    call = "from tests.integration.test_letting_go import asked_within_the_question as go; go()"
    done = subprocess.run([sys.executable, "-c", call], cwd=ROOT, capture_output=True, text=True, timeout=20)
    assert done.stderr.rstrip().endswith("LetGoError"), done.stderr


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Give what is set when the process would have ended by force."""
    ended = threading.Event()
    monkeypatch.setattr("os._exit", lambda _code: ended.set())
    return ended


def test_only_one_hands_on_when_patience_ends_as_the_scan_does(
    asked: threading.Event, ended: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice would take two tries off the count; after a verdict it would lease anew what nobody scans."""
    monkeypatch.setattr(letting_go, "PATIENCE_SECONDS", 0.05)
    handing, scanned, handed, after = (threading.Event() for _ in range(4))

    def hand_on() -> None:
        handing.set()
        handed.wait(20)

    def scan() -> None:
        with letting_go.at_the_latest(hand_on):
            scanned.wait(20)
        after.set()

    scanning = threading.Thread(target=scan, daemon=True)  # stays where the process would have ended
    scanning.start()
    asked.set()
    assert handing.wait(20)
    scanned.set()
    assert not after.wait(0.3), "what comes after would write, too"
    handed.set()
    assert ended.wait(20)
    assert not after.wait(0.1)


def test_a_scan_that_ends_before_patience_does_goes_on_by_itself(
    asked: threading.Event, ended: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(letting_go, "PATIENCE_SECONDS", 0.05)
    calls: list[str] = []
    before = {*threading.enumerate()}  # scans of other tests, too
    with letting_go.at_the_latest(lambda: calls.append("handed on")):
        (thread,) = {*threading.enumerate()} - before
    asked.set()
    thread.join(20)
    assert not thread.is_alive()
    assert (calls, ended.is_set()) == ([], False)


def test_a_worker_protects_its_task_while_a_scan_lasts(services: Services, tmp_path: Path) -> None:
    """A real worker, and a small agent in the place of that of ECS."""
    url = f"{services.redis_url}?db=8"
    queue = RedisQueue(url)
    queue.enqueue(JobName.SCAN_UPLOAD, "x")
    application = Application(services, tmp_path, settings={"DIAGPORT_REDIS_URL": url})
    with HookSink() as agent:
        address = f"http://127.0.0.1:{agent.port}/api/7e57"
        done = subprocess.run(
            [sys.executable, "-m", "tests.integration.protected_worker"],
            env={**os.environ, **application.environment, "ECS_AGENT_URI": address},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
    assert "a scan b'.'" in done.stdout, done.stdout + done.stderr
    (got,) = agent.got
    assert (got.method, got.path) == ("PUT", "/api/7e57/task-protection/v1/state")
    assert json.loads(got.body)["ProtectionEnabled"] is True
    state = queue.queues()[QueueName.SCAN]
    assert (state.depth, state.failed_count) == (0, 0)
