"""scripts/check_hold.py: prod is held, or nothing goes there. Item 35 of the infrastructure checklist."""

import json
import subprocess
import sys
from typing import Any

import pytest

from app.cli.dev import ROOT

REVIEWERS = {"type": "required_reviewers", "reviewers": [{"type": "Team", "reviewer": {"slug": "operators"}}]}
BRANCHES = {"protected_branches": False, "custom_branch_policies": True}
GOOD = {
    "name": "prod",
    "protection_rules": [{"type": "branch_policy"}, REVIEWERS],
    "deployment_branch_policy": BRANCHES,
}


def check(answer: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "check_hold.py"), "prod"]
    return subprocess.run(command, input=answer, capture_output=True, text=True, timeout=30, check=False)


def test_what_is_held_may_go_on() -> None:
    done = check(json.dumps(GOOD))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"protection_rules": [], "deployment_branch_policy": None}, "every branch"),  # as GitHub makes it
        ({"protection_rules": []}, "no required reviewers"),
        ({"protection_rules": None}, "no required reviewers"),
        ({"protection_rules": [{"type": "wait_timer", "wait_timer": 30}]}, "no required reviewers"),
        ({"protection_rules": [{**REVIEWERS, "reviewers": []}]}, "no required reviewers"),
        ({"deployment_branch_policy": None}, "every branch"),
        ({"name": "stage"}, "it is not there"),
    ],
)
def test_what_is_not_held_stops(changed: dict[str, Any], said: str) -> None:
    done = check(json.dumps(GOOD | changed))
    assert done.returncode == 1
    assert said in done.stderr


@pytest.mark.parametrize("answer", ["", "null", "[]", '{"message": "Not Found", "status": "404"}'])
def test_no_answer_is_no_hold(answer: str) -> None:
    assert check(answer).returncode == 1
