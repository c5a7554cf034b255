"""What operators and load balancers ask: `/healthz`, `/readyz`, `/metrics`. F7, F12."""

import shutil
import threading
import time
from ipaddress import ip_network
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from app import create_app
from app.db import Database
from app.domain.jobs import QueueName
from app.domain.lifecycle import UploadState
from app.services import steps
from app.services.steps import Run
from app.settings import Settings
from app.system import System
from app.web.probing import Prober
from tests.factories.uploads import make_upload
from tests.fakes import FakeQueue, FakeScanner
from tests.web.callers import Browser, Caller
from tests.web.looks import problem

NAMES = {"database", "storage", "queue", "scanner", "workers", "gate", "scheduler"}


def readiness(app: Flask, status: int = 200) -> tuple[str, set[str]]:
    """Return the word for it all, and which dependencies do not answer."""
    answer = app.test_client().get("/readyz")
    assert answer.status_code == status
    body: dict[str, Any] = answer.get_json()
    assert set(body["checks"]) == NAMES
    assert ("Retry-After" in answer.headers) is (status == 503)
    failing = {name for name, check in body["checks"].items() if not check["ok"]}
    assert all(body["checks"][name]["detail"] for name in failing)
    return body["status"], failing


@pytest.fixture(autouse=True)
def scheduler(system: System) -> None:
    """Let a scheduler have run just now."""
    with system.work() as uow:
        steps.end(uow, Run("ring_scans", seconds=0.1, every=2))


def test_all_is_well(app: Flask) -> None:
    assert readiness(app) == ("ready", set())


def test_without_a_scheduler_nothing_is_found_again(app: Flask, system: System) -> None:
    with system.work() as uow:
        uow.session.execute(text("UPDATE step_run SET finished_at = now() - interval '4 minutes'"))
        uow.session.execute(text("UPDATE step_run SET started_at = finished_at"))
    assert readiness(app) == ("degraded", {"scheduler"})
    with system.work() as uow:
        steps.forget_others(uow, ["nothing"])
    answer = app.test_client().get("/readyz").get_json()["checks"]["scheduler"]
    assert answer == {"ok": False, "detail": "The scheduler has not run yet."}


def test_what_hangs_is_not_waited_for(
    app: Flask, queue: FakeQueue, scanner: FakeScanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F7, F13: each is asked in a thread of its own, and nobody is asked twice at once."""
    let_go, asked = threading.Event(), []

    def hang() -> None:
        asked.append(1)
        let_go.wait(60)

    app.extensions["diagport.prober"] = Prober(patience=0.3)
    monkeypatch.setattr(queue, "check", hang)
    monkeypatch.setattr(scanner, "engine", hang)
    for _ in range(3):
        began = time.monotonic()
        assert readiness(app) == ("degraded", {"queue", "scanner", "workers"})
        assert time.monotonic() - began < 5
    assert len(asked) == 3, "one thread each, however often the page is loaded"
    let_go.set()


def test_a_bug_in_a_probe_is_no_answer(app: Flask, queue: FakeQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "workers", lambda: 1 // 0)
    assert readiness(app) == ("degraded", {"workers"})


def test_without_scanner_queue_or_workers_uploads_are_still_taken(
    app: Flask, scanner: FakeScanner, queue: FakeQueue
) -> None:
    scanner.down = True
    assert readiness(app) == ("degraded", {"scanner"})
    queue.listening[QueueName.SCAN] = 0
    assert readiness(app) == ("degraded", {"scanner", "workers"})
    queue.down, scanner.down = True, False
    assert readiness(app) == ("degraded", {"queue", "workers"})


def test_without_the_storage_nothing_can_be_acknowledged(app: Flask, settings: Settings) -> None:
    shutil.rmtree(settings.storage_root)
    assert readiness(app, 503) == ("unavailable", {"storage"})
    assert app.test_client().get("/healthz").status_code == 200, "the process itself is well"


def test_without_the_database_nothing_can_be_acknowledged(system: System) -> None:
    nobody = Database.connect("postgresql+psycopg://127.0.0.1:1/nobody")
    app = create_app(system.settings, adapters=system.adapters, database=nobody)
    assert readiness(app, 503) == ("unavailable", {"database", "gate", "scheduler"})
    assert app.test_client().get("/healthz").get_json() == {"status": "ok"}
    nobody.engine.dispose()


def test_the_overview_names_what_is_away(browser: Browser, admin: Caller, scanner: FakeScanner) -> None:
    browser.sign_in(admin.account.email)
    assert "cannot be reached" not in browser.get("/").text
    scanner.down = True
    assert "The virus scanner cannot be reached." in browser.get("/").text


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("10.1.2.3", True),
        ("10.2.0.1", False),
        ("192.0.2.1", False),
        ("2001:db8::1", False),
        ("", False),
    ],
)
def test_metrics_are_for_allowed_networks_only(
    system: System, settings: Settings, address: str, allowed: bool
) -> None:
    settings = settings.model_copy(
        update={"metrics_networks": (*settings.metrics_networks, ip_network("10.1.0.0/16"))}
    )
    app = create_app(settings, adapters=system.adapters, database=system.database)
    answer = app.test_client().get("/metrics", environ_overrides={"REMOTE_ADDR": address})
    if allowed:
        assert answer.status_code == 200
    else:
        problem(answer, 404, "not_found")


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-Ip"])
def test_nobody_names_their_own_address(app: Flask, header: str) -> None:
    """T16: without a proxy in front no header about one is believed."""
    answer = app.test_client().get(
        "/metrics", headers={header: "127.0.0.1"}, environ_overrides={"REMOTE_ADDR": "192.0.2.1"}
    )
    assert answer.status_code == 404


def test_one_proxy_is_believed_and_not_two(system: System, settings: Settings) -> None:
    """T16."""
    settings = settings.model_copy(update={"proxy_hops": 1})
    app = create_app(settings, adapters=system.adapters, database=system.database)
    headers = {"X-Forwarded-For": "127.0.0.1, 192.0.2.1"}
    assert app.test_client().get("/metrics", headers=headers).status_code == 404


def test_metrics_count_what_is_there(app: Flask, customer: Caller, system: System) -> None:
    sizes = [make_upload(system, customer.actor, state).size or 0 for state in UploadState]
    lines = app.test_client().get("/metrics").text.splitlines()
    for state in UploadState:
        assert f'diagport_uploads_in_state{{state="{state}"}} 1.0' in lines
    assert f"diagport_received_bytes_total {float(sum(sizes))}" in lines
    assert "diagport_scanned_bytes_total 21.0" in lines


def test_nothing_that_identifies_anybody_is_in_the_open(app: Flask, customer: Caller, system: System) -> None:
    """C13."""
    upload = make_upload(system, customer.actor, filename="secret-name.tgz")
    secrets = [upload.filename, str(upload.id), customer.account.email, "a key for tests", "postgresql"]
    for path in ("/healthz", "/readyz", "/metrics"):
        page = app.test_client().get(path).text
        assert [secret for secret in secrets if secret in page] == [], path
