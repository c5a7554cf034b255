"""What has a scanner beside it, `worker.py gate` above all, and what has none."""

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from app import bootstrap, create_app
from app.cli.dev import ROOT
from app.cli.dev.application import Application
from app.cli.dev.services import Services
from app.domain.errors import ScannerUnavailableError
from app.jobs import scheduler
from app.jobs.schedule import GATE, SCHEDULE, Periodic
from app.models import StepRun
from app.services import engine, steps
from app.services.steps import Run
from app.system import System
from tests.factories.uploads import ENGINE
from tests.fakes import FakeScanner
from tests.integration.gatehouse import later, never_tested, status
from tests.live import eventually


@pytest.fixture
def apart(system: System) -> System:
    """Give the product as a process sees it that has no scanner, and must never ask one."""

    def refuse() -> None:
        pytest.fail("it asked a scanner")

    scanner = FakeScanner()
    scanner.engine = refuse  # type: ignore[assignment,method-assign]
    settings = system.settings.model_copy(update={"clamd_address": None})
    return replace(system, settings=settings, adapters=replace(system.adapters, scanner=scanner))


def readyz(system: System) -> dict[str, object]:
    app = create_app(system.settings, adapters=system.adapters, database=system.database)
    answer = app.test_client().get("/readyz")
    assert answer.status_code == 200
    found: dict[str, object] = answer.get_json()["checks"]["scanner"]
    return found


def test_a_web_process_without_one_says_what_the_workers_heard(apart: System) -> None:
    assert readyz(apart) == {
        "ok": False,
        "detail": "No virus scanner has answered yet: see whether workers run.",
    }
    with apart.work() as uow:
        engine.report(uow, ENGINE)
    assert readyz(apart) == {"ok": True, "detail": "ClamAV 1.4.6"}
    later(apart, 300)
    found = readyz(apart)
    assert (found["ok"], found["detail"]) == (
        False,
        "No virus scanner has answered any worker for 5 minutes.",
    )


def test_a_scheduler_without_one_leaves_the_gate_alone_and_forgets_nothing_of_it(
    committed: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = threading.Event()

    def other(_system: System) -> None:
        ran.set()

    def tend_gate(_system: System) -> None:
        pytest.fail("it has no scanner")

    monkeypatch.setattr(
        scheduler, "SCHEDULE", (Periodic(tend_gate, 0.01, only_with="clamd_address"), Periodic(other, 0.01))
    )
    with committed.work() as uow:
        steps.end(uow, Run("tend_gate", 0.1, 5))
    settings = committed.settings.model_copy(update={"clamd_address": None})
    stop = threading.Event()
    thread = threading.Thread(target=scheduler.run, args=(replace(committed, settings=settings), stop))
    thread.start()
    assert ran.wait(10)
    stop.set()
    thread.join(10)
    with committed.work() as uow:
        assert set(uow.session.scalars(select(StepRun.name))) == {"tend_gate", "other"}


def test_the_gate_s_step_is_the_only_one_that_needs_it() -> None:
    assert [each.name for each in SCHEDULE if each.only_with == "clamd_address"] == [GATE.name]


def test_a_process_without_one_knows_that(system: System) -> None:
    settings = system.settings.model_copy(update={"clamd_address": None})
    scanner = bootstrap.adapters(settings).scanner
    for ask in (scanner.engine, lambda: scanner.scan([b""])):
        with pytest.raises(ScannerUnavailableError, match="DIAGPORT_CLAMD_ADDRESS"):
            ask()


@pytest.fixture
def portal(committed: System, services: Services, tmp_path: Path) -> Application:
    settings = {"DIAGPORT_DATABASE_URL": committed.settings.database_url.get_secret_value()}
    return Application(services, tmp_path / "app", settings=settings)


def run(portal: Application, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **portal.environment}
    del environment["DIAGPORT_CLAMD_ADDRESS"]
    return subprocess.run(
        [sys.executable, "worker.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("role", ["scan", "scan-large", "gate"])
def test_what_scans_does_not_start_without_one(portal: Application, role: str) -> None:
    ended = run(portal, role)
    assert ended.returncode == 1
    assert f"python worker.py {role} needs a virus scanner: set DIAGPORT_CLAMD_ADDRESS" in ended.stderr


def test_it_tests_its_scanner_opens_the_gate_and_stops_when_told(
    committed: System, portal: Application, scanner: FakeScanner
) -> None:
    never_tested(committed, scanner)
    process = portal.python("gate", "worker.py", "gate")
    process.environment = {**process.environment, "DIAGPORT_PROBE_PADDING_BYTES": "1000000"}
    process.start()
    try:
        eventually(lambda: status(committed).open, "an open gate", 30)
        with committed.work() as uow:
            assert set(uow.session.scalars(select(StepRun.name))) == {"tend_gate"}
        assert process.popen
        process.popen.send_signal(signal.SIGTERM)
        assert process.popen.wait(15) == 0
    finally:
        process.kill()
