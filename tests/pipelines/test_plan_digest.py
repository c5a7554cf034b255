"""scripts/plan_digest.py: what is applied is what was reviewed."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts import plan_digest

PLANS = Path(__file__).with_name("plans")
PROVIDERS = {"registry.terraform.io/hashicorp/aws": "6.25.0"}


def load(name: str) -> dict[str, Any]:
    plan: dict[str, Any] = json.loads((PLANS / f"{name}.json").read_text())
    return plan


def digest(plan: dict[str, Any], providers: dict[str, str] = PROVIDERS) -> str:
    return plan_digest.digest(plan, providers)


def test_plans_that_do_different_things_differ() -> None:
    assert len({digest(load(name)) for name in ("ordinary", "replaced", "destroyed", "forgotten")}) == 4


def test_made_again_it_is_the_same() -> None:
    """The order of what Terraform lists, and when it was made, say nothing."""
    plan, again = load("destroyed"), load("destroyed")
    again["resource_changes"].reverse()
    again["timestamp"] = "2026-11-21T00:00:00Z"
    again["prior_state"] = {"serial": 2}
    assert digest(again) == digest(plan)


def first(plan: dict[str, Any], action: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        item["change"] for item in plan["resource_changes"] if action in item["change"]["actions"]
    )
    return found


def other_action(plan: dict[str, Any]) -> None:
    first(plan, "update")["actions"] = ["delete", "create"]


def other_value(plan: dict[str, Any]) -> None:
    first(plan, "update")["after"]["tags"]["who"] = "somebody"


def other_start(plan: dict[str, Any]) -> None:
    first(plan, "update")["before"]["retention_in_days"] = 7


def one_more(plan: dict[str, Any]) -> None:
    plan["resource_changes"].append({**plan["resource_changes"][0], "address": "aws_iam_role.more"})


def other_output(plan: dict[str, Any]) -> None:
    plan["output_changes"] = {"who": {"actions": ["update"], "before": "before", "after": "somebody"}}


@pytest.mark.parametrize("meddle", [other_action, other_value, other_start, one_more, other_output])
def test_any_other_deed_shows(meddle: Callable[[dict[str, Any]], None]) -> None:
    plan = load("ordinary")
    meddle(plan)
    assert digest(plan) != digest(load("ordinary"))


def test_what_an_update_leaves_alone_does_not_show() -> None:
    """How many tasks run moves by itself between a plan and its apply, and nobody changes it there."""
    digests = set()
    for running in (2, 3):
        plan = load("ordinary")
        for side in ("before", "after"):
            first(plan, "update")[side]["desired_count"] = running
        digests.add(digest(plan))
    assert len(digests) == 1
    first(plan, "update")["after"]["desired_count"] = 4  # and somebody who does change it is seen
    assert digest(plan) not in digests


def test_an_attribute_that_becomes_secret_shows() -> None:
    plan = load("ordinary")
    first(plan, "update")["before_sensitive"] = {"retention_in_days": True}
    assert digest(plan) != digest(load("ordinary"))


@pytest.mark.parametrize("action", [["delete", "create"], ["create", "delete"], ["delete"]])
def test_of_what_is_lost_everything_shows(action: list[str]) -> None:
    digests = set()
    for running in (2, 3):
        plan = load("ordinary")
        change = first(plan, "update")
        change["actions"] = action
        for side in ("before", "after"):
            change[side]["desired_count"] = running
        digests.add(digest(plan))
    assert len(digests) == 2


def test_other_providers_show() -> None:
    """They may do something else with the same values."""
    assert digest(load("ordinary")) != digest(load("ordinary"), dict.fromkeys(PROVIDERS, "6.26.0"))


def test_secrets_are_not_in_it() -> None:
    """The digest is shown to anybody, so nobody may try out passwords on it."""
    change = {
        "actions": ["update"],
        "before": {"password": "a", "nested": [{"key": "b", "name": "n"}]},
        "after": {"password": "c", "nested": [{"key": "d", "name": "n"}]},
        "before_sensitive": {"password": True, "nested": [{"key": True}]},
        "after_sensitive": {"password": True, "nested": [{"key": True}]},
    }
    plan = {
        "format_version": "1.2",
        "resource_changes": [{"address": "random_password.it", "change": change}],
        "output_changes": {"it": {**change, "before_sensitive": True, "after_sensitive": True}},
    }
    other = copy.deepcopy(plan)
    inner = other["resource_changes"][0]["change"]  # type: ignore[index]
    inner["after"]["password"] = "z"
    inner["after"]["nested"][0]["key"] = "y"
    other["output_changes"]["it"]["after"] = "x"  # type: ignore[index]
    assert digest(other) == digest(plan)
    inner["after"]["nested"][0]["name"] = "shown"
    assert digest(other) != digest(plan)


@pytest.mark.parametrize("plan", [{}, {"format_version": "1.2", "errored": True}])
def test_what_is_no_plan_has_none(plan: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not a finished plan"):
        digest(plan)
