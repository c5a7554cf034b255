"""docker/healthcheck.py: what it takes for life. What the container test shows of it is not said again."""

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from types import ModuleType

import pytest

from app.cli.dev import ROOT
from app.cli.dev.ports import free_port
from app.jobs.heartbeat import beat
from app.settings import Settings

FILE = ROOT / "docker" / "healthcheck.py"


@pytest.fixture
def check() -> ModuleType:
    spec = importlib.util.spec_from_file_location("healthcheck", FILE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Answers(BaseHTTPRequestHandler):
    """Answers /healthz with what the test set, and everything else with 200."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/healthz" else 200)
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def web() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Answers)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"0.0.0.0:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("command", "role"),
    [
        (b"/opt/venv/bin/python\0/opt/venv/bin/gunicorn\0-c\0gunicorn.conf.py\0wsgi:app\0", "web"),
        (b"/sbin/docker-init\0--\0gunicorn\0-c\0gunicorn.conf.py\0wsgi:app\0", "web"),
        (b"python\0worker.py\0scan-large\0", "scan-large"),
        (b"/sbin/docker-init\0--\0python\0/app/worker.py\0gate\0", "gate"),
        (b"", "web"),
    ],
)
def test_the_role_is_in_the_command_of_process_1(check: ModuleType, command: bytes, role: str) -> None:
    assert check.role_of(command) == role


@pytest.mark.parametrize(("status", "well"), [(200, True), (503, False), (404, False)])
def test_web_must_say_that_it_is_well(
    check: ModuleType, web: str, monkeypatch: pytest.MonkeyPatch, status: int, well: bool
) -> None:
    """503 is what it says when the database refuses its password: another task gets the new one."""
    monkeypatch.setattr(Answers, "status", status)
    assert check.web_answers(web) is well


def test_nobody_there_or_silence_is_not_well(check: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check.web_answers(f"0.0.0.0:{free_port()}") is False
    monkeypatch.setattr(check, "PATIENCE", 0.2)
    silent = HTTPServer(("127.0.0.1", 0), Answers)  # nobody serves what waits there
    try:
        assert check.web_answers(f"0.0.0.0:{silent.server_port}") is False
    finally:
        silent.server_close()


def test_a_heart_that_stopped_is_noticed(check: ModuleType, tmp_path: Path) -> None:
    assert check.beats("scan", str(tmp_path)) is False
    file = tmp_path / "scan.heartbeat"
    file.touch()
    assert check.beats("scan", str(tmp_path)) is True
    assert check.beats("scan-large", str(tmp_path)) is False
    then = time.time() - check.STALE - 1
    os.utime(file, (then, then))
    assert check.beats("scan", str(tmp_path)) is False
    assert check.beats("scan", "") is False


def test_the_roles_touch_what_is_looked_at(check: ModuleType, settings: Settings, tmp_path: Path) -> None:
    """Where no directory is set, or it is gone, work goes on all the same."""
    beating = settings.model_copy(update={"heartbeats": tmp_path})
    beat(beating, "gate")
    assert check.beats("gate", str(tmp_path)) is True
    beat(settings, "gate")
    beat(settings.model_copy(update={"heartbeats": tmp_path / "gone"}), "gate")
    assert [path.name for path in tmp_path.rglob("*.heartbeat")] == ["gate.heartbeat"]


def test_it_needs_nothing_of_the_application(tmp_path: Path) -> None:
    """An isolated Python, without the packages or the repository, runs it; and quickly."""
    (tmp_path / "deliver.heartbeat").touch()
    environment = {"DIAGPORT_HEARTBEATS": str(tmp_path)}
    command = [sys._base_executable, "-I", "-S", str(FILE), "deliver"]  # type: ignore[attr-defined]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert (ran.returncode, ran.stdout) == (0, "deliver: well\n")
    ran = subprocess.run([*command[:-1], "scan"], env=environment, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (1, "scan: not well\n")
