"""Health in plain words: what is red and why, and whose fault it is."""

import re
from dataclasses import replace

import pytest

from app.jobs.schedule import SCHEDULE
from app.models import StepRun
from app.services import gate, pausing, steps
from app.services.gate import Probe
from app.services.steps import Run
from app.system import System
from app.web.health import steps as health_steps
from tests.factories.told import make_channel
from tests.fakes import FakeScanner
from tests.web.callers import Browser, Caller

AWAY = "ScannerUnavailableError: The virus scanner cannot be reached."


def scheduler(who: Caller) -> tuple[bool, str]:
    answer = who.get("/admin/health", headers={"Accept": "application/json"})
    part = next(part for part in answer.get_json()["parts"] if part["name"] == "scheduler")
    return part["ok"], part["sentence"]


def test_every_step_has_words() -> None:
    assert set(health_steps.TITLES) == {periodic.name for periodic in SCHEDULE}


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({"rang": 1}, "1 asked for again"),
        ({"seen": 7, "wrong": 0, "first": [], "after": None, "round": {"seen": 7}}, "7 compared, all agree"),
        ({"seen": 7, "wrong": 2}, "7 compared, 2 differ"),
        ({"looked at": 9, "removed": 1, "first": ["a/key"]}, "9 looked at, 1 removed"),
        ({"anchored": "76:3e8cf0"}, "Up to row 76"),
        ({"stuck": {"virus checks": "2026-11-21"}}, "Virus checks"),
        ({"after": "2026-11-21T16:33:46Z"}, ""),
    ],
)
def test_what_a_step_did_is_said_in_words(result: dict[str, object], words: str) -> None:
    assert health_steps.did(result) == words


def test_what_is_away_is_not_the_scheduler_s_fault(
    system: System, admin: Caller, browser: Browser, scanner: FakeScanner
) -> None:
    """F7: one pause of clamd. Only where everything answers is being put off a fault of the scheduler."""
    with system.work() as uow:
        steps.end(uow, Run("ring_events", 0.1, 2))  # of testing the scanner others than schedulers speak too
        steps.end(uow, Run("tend_gate", 0.1, 5, 1, AWAY))
    assert scheduler(admin) == (True, "All periodic work gets done.")
    with system.work() as uow:
        steps.end(uow, Run("tend_gate", 0.1, 5, 11, AWAY))
    scanner.down = True
    assert scheduler(admin)[0] is True
    browser.sign_in(admin.account.email)
    page = browser.get("/admin/health").text
    assert "Put off: The virus scanner cannot be reached. (12 times in a row)" in page
    assert "ScannerUnavailableError" not in page
    scanner.down = False
    assert scheduler(admin) == (False, "Periodic work that fails: Test the virus scanner.")


def test_any_other_error_is_the_scheduler_s_at_once(system: System, admin: Caller) -> None:
    with system.work() as uow:
        steps.end(uow, Run("delete_due", 0.1, 60, 1, "ValueError: no"))
    assert scheduler(admin) == (False, "Periodic work that fails: Delete bundles whose time is over.")


def test_steps_in_trouble_come_first_and_then_as_in_the_table() -> None:
    found = [StepRun(name=name, failures=0) for name in ("forget_old", "new_one")]
    found += [StepRun(name="prove_storage", failures=1), StepRun(name="ring_scans", failures=0)]
    assert [each.name for each in health_steps.in_order(found)] == [
        "prove_storage",
        "ring_scans",
        "forget_old",
        "new_one",
    ]


def test_the_overview_says_what_health_says(system: System, admin: Caller, browser: Browser) -> None:
    browser.sign_in(admin.account.email)
    with system.work() as uow:
        steps.end(uow, Run("ring_scans", 0.1, 2))
    assert "All is well." in browser.get("/").text
    channel = make_channel(system)
    with system.work() as uow:
        assert pausing.pause(uow, channel.id, "It says that it is gone for good (410).")
    overview, health = browser.get("/").text, browser.get("/admin/health").text
    (sentence,) = re.findall(r"1 of \d+ parts needs attention\.", overview)
    for page in (overview, health):
        assert sentence in page
        assert "One channel is paused: what it should hear of waits." in page
    assert f'href="/admin/channels/{channel.id}"' in health
    assert "It says that it is gone for good (410)." in health


def gate_facts(who: Caller) -> dict[str, str]:
    answer = who.get("/admin/health", headers={"Accept": "application/json"})
    part = next(part for part in answer.get_json()["parts"] if part["name"] == "gate")
    return {name: value for name, value in dict(part["facts"]).items() if "Scanner" in name}


def test_several_scanners_are_named_with_what_was_found_of_each(system: System, admin: Caller) -> None:
    assert gate_facts(admin) == {}, "one needs no name"
    other = system.settings.model_copy(update={"clamd_address": "tcp:clamd-b:3310"})
    with replace(system, settings=other).work() as uow:
        gate.report(uow, [Probe("Finds it", False, "It missed.")], "ClamAV 1.4.6, 27000", "It missed.")
    found = gate_facts(admin)
    assert found.pop("Scanner at tcp:clamd-b:3310") == "It missed."
    assert list(found.values()) == ["passed (Fake 1.0, 1)"]
