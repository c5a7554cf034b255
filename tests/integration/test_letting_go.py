"""What a worker does on ECS while a scan lasts, and how a scan lets go when its worker must stop: F22."""

import json
import os
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
