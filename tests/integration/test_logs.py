"""Logs: one JSON object a line, bound to a request or a job, and no secret in them."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from app import log as logs
from app.domain.errors import DependencyError
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor
from app.jobs import scheduler
from app.jobs.recording import Recorder
from app.jobs.schedule import Periodic
from app.system import System
from tests.factories.bundles import make_tgz
from tests.factories.people import PASSWORD, bearer, make_account
from tests.live import Live, eventually


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.usefixtures("restored")
def test_everything_becomes_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("DEBUG")
    logs.bind(request_id="r-1")
    logs.get_logger("test").info("a\nb", size=7, password="p-secret", api_token="t-secret", Cookie="c-secret")
    logging.getLogger("some.library").warning("of %s\nlines", "two")
    try:
        raise ZeroDivisionError("by\nzero")
    except ZeroDivisionError:
        logs.get_logger("test").exception("broken")
    ours, theirs, broken = lines(capsys)
    assert (ours["event"], ours["size"], ours["level"]) == ("a\nb", 7, "info")
    assert {ours[name] for name in ("password", "api_token", "Cookie")} == {"[redacted]"}
    assert theirs["event"] == "of two\nlines"
    assert "ZeroDivisionError" in broken["exception"]
    assert {line["request_id"] for line in (ours, theirs, broken)} == {"r-1"}
    assert all(line["timestamp"].endswith("Z") for line in (ours, theirs, broken))


@pytest.mark.usefixtures("restored")
def test_every_line_names_the_deployment(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", "eu-1")
    logs.get_logger("test").info("ours")
    logging.getLogger("some.library").warning("theirs")
    assert [(line["event"], line["environment"]) for line in lines(capsys)] == [
        ("ours", "eu-1"),
        ("theirs", "eu-1"),
    ]


@pytest.mark.usefixtures("restored")
def test_a_request_binds_its_id_and_no_secret_is_written(
    client: FlaskClient, system: System, capsys: pytest.CaptureFixture[str]
) -> None:
    account = make_account(system)
    headers = bearer(system, account)
    logs.configure("DEBUG")
    client.get("/files/00000000-0000-0000-0000-000000000000", headers=headers)
    client.get("/api/v1/uploads", headers={"Authorization": "Bearer dgp_planted-token"})
    client.post("/sign-in", data={"email": account.email, "password": "planted-password"})
    client.put("/upload/a.tgz?case=%00", data=make_tgz({"a": b"b"}), headers=headers)
    written = capsys.readouterr().out
    refused = [json.loads(line) for line in written.splitlines()]
    assert [line for line in refused if line["event"] == "refused"]
    assert all(line["request_id"] and line["path"] for line in refused if line["event"] == "refused")
    assert len({line["request_id"] for line in refused if "request_id" in line}) >= 3
    for secret in ("planted-token", "planted-password", PASSWORD, headers["Authorization"].split()[1]):
        assert secret not in written


@pytest.mark.usefixtures("restored")
def test_a_step_of_the_scheduler_is_named(system: System, capsys: pytest.CaptureFixture[str]) -> None:
    def failing_step(_system: System) -> None:
        raise DependencyError("away", cause="a test")

    logs.configure("DEBUG")
    step = Periodic(failing_step, every=1)
    scheduler._once(system, step, Recorder(system, step))
    logs.get_logger("test").info("afterwards")
    postponed, after = lines(capsys)
    assert (postponed["event"], postponed["job"], postponed["cause"]) == (
        "step_postponed",
        "failing_step",
        "a test",
    )
    assert "job" not in after


def test_the_running_product_writes_json_and_no_secret(live: Live, sender: Actor) -> None:
    """T39: nothing of what people prove themselves with; jobs and requests by their ids."""
    upload = live.put(make_tgz({"a": b"b"}))
    assert live.settled(upload["id"])["state"] == UploadState.CLEAN
    live.get("/api/v1/uploads", headers={"Authorization": "Bearer dgp_planted-token"})
    scanned = live.application["scan"].log
    # The worker says so when the verdict is committed, and the bundle's tags are set: people see it sooner.
    eventually(lambda: _scan_done(scanned, upload["id"]), "the line of its scan")
    written = {path.stem: path.read_text() for path in live.application._logs.glob("*.log")}
    for secret in ("planted-token", *(a["token"] for a in live.accounts.values())):
        assert not [name for name, text in written.items() if secret in text]
    for account in live.accounts.values():
        assert not [name for name, text in written.items() if account["password"] in text]
    assert [bool(line["job_id"]) for line in _scan_done(scanned, upload["id"])] == [True]
    for name in ("web", "scan", "deliver", "scheduler"):
        assert not [line for line in written[name].splitlines() if not _is_object(line)], name


def _scan_done(log: Path, upload_id: str) -> list[dict[str, Any]]:
    """Read what a worker said of a scan's end; a line that is being written has no end yet."""
    lines = [line for line in log.read_text().splitlines(keepends=True) if line.endswith("}\n")]
    said = [json.loads(line) for line in lines if line.startswith("{")]
    return [line for line in said if line["event"] == "scan_done" and line["upload_id"] == upload_id]


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
