"""What follows what in both pipelines, what is held, and what may be asked for. Item 35 of the checklist."""

import os
import re
import subprocess
from typing import Any

import pytest

from app.cli.dev import ROOT
from tests.pipelines.documents import CIRCLECI, load


def test_environments_follow_one_another() -> None:
    """Stage after dev's smoke test, prod after stage's; each with the digest of its own plan.

    Plans included: one that was made before the release in front of it was applied would be stale.
    """
    deploy = load(ROOT / ".github" / "workflows" / "deploy.yml")["jobs"]
    for name, before in (("dev", None), ("stage", "smoke-dev"), ("prod", "smoke-stage")):
        apply = deploy[f"apply-{name}"]
        assert list(apply["needs"]) == [f"plan-{name}", *(["hold"] if name == "prod" else [])]
        assert all(f"needs.{need}.result == 'success'" in apply["if"] for need in apply["needs"])
        assert apply["with"]["digest"] == f"${{{{ needs.plan-{name}.outputs.digest }}}}"
        plan = deploy[f"plan-{name}"]
        assert "needs.build.result == 'success'" in plan["if"]
        assert plan["needs"] == (["build", before] if before else "build")
        alone = (  # `only: dev` ends with dev, although its smoke test passed
            f"""(needs.{before}.result == 'success' && contains(fromJSON('["", "all"]'), inputs.only || '')"""
            f" || inputs.only == '{name}')"
        )
        assert before is None or alone in " ".join(plan["if"].split())


def test_prod_is_held_by_more_than_its_name() -> None:
    """GitHub makes an environment that is not there, without reviewers: the hold is asked for."""
    hold = load(ROOT / ".github" / "workflows" / "deploy.yml")["jobs"]["hold"]
    assert hold["permissions"] == {"contents": "read", "actions": "read"}
    assert "environments/prod" in hold["steps"][-1]["run"]
    assert "scripts/check_hold.py prod" in hold["steps"][-1]["run"]


def test_what_a_branch_runs_cannot_plan_prod() -> None:
    """Whoever plans reads the application's secrets, and a branch says itself what its plan runs."""
    ci = load(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]["plan"]
    assert ci["strategy"]["matrix"]["environment"] == ["dev", "stage"]
    (plan,) = load(CIRCLECI)["workflows"]["plan"]["jobs"]
    assert plan["plan"]["matrix"]["parameters"]["environment"] == ["dev", "stage"]
    files = ROOT / "terraform" / "bootstrap"
    opened = {
        file.stem for file in (files / "envs").glob("*.tfvars")
        if re.search(r"^plan_pull_requests *= *true", file.read_text(), re.MULTILINE)
    }  # fmt: skip
    assert opened == {"dev", "stage"}
    declared = (files / "variables.tf").read_text().split('variable "plan_pull_requests"')[1]
    assert re.search(r"default += false", declared.split("validation")[0])


def test_where_a_bundle_can_be_sent_one_is() -> None:
    """Dev and stage fail where their token is missing; prod is never sent anything."""
    deploy = load(ROOT / ".github" / "workflows" / "deploy.yml")["jobs"]
    sends = {
        name for name in ("dev", "stage", "prod")
        if "--must-send" in deploy[f"smoke-{name}"]["steps"][-1]["run"]
    }  # fmt: skip
    assert sends == {"dev", "stage"}
    circleci = load(CIRCLECI)
    assert circleci["jobs"]["smoke"]["parameters"]["more"]["default"] == "--must-send"
    for name in ("deploy", "rollback"):
        smokes = [entry["smoke"] for entry in circleci["workflows"][name]["jobs"] if "smoke" in entry]
        assert {smoke["environment"]: smoke.get("more") for smoke in smokes} == {
            "dev": None,
            "stage": None,
            "prod": "",
        }


ASKED = [
    ({}, 0),  # a push
    ({"ONLY": "all"}, 0),
    ({"ONLY": "dev", "ALLOW_DESTROY": "aws_lb.portal"}, 0),
    ({"ONLY": "all", "ALLOW_DESTROY": "aws_lb.portal"}, 1),
    ({"ONLY": "all", "IMAGE_TAG": "0123456789012345678901234567890123456789"}, 0),
    ({"ONLY": "all", "IMAGE_TAG": "0123456"}, 1),
    ({"ONLY": "all", "IMAGE_TAG": "v1.2"}, 1),
]


@pytest.mark.parametrize(("inputs", "status"), ASKED)
def test_what_is_asked_for_by_hand_is_looked_at_first(inputs: dict[str, str], status: int) -> None:
    deploy = load(ROOT / ".github" / "workflows" / "deploy.yml")["jobs"]
    (step,) = deploy["asked"]["steps"]
    assert set(step["env"]) == {"ALLOW_DESTROY", "ONLY", "IMAGE_TAG"}
    given = {**dict.fromkeys(step["env"], ""), **inputs}
    done = subprocess.run(
        ["bash", "-e", "-c", step["run"]], env={"PATH": os.environ["PATH"], **given}, check=False
    )
    assert done.returncode == status
    assert deploy["ci"]["needs"] == "asked"
    assert "needs.asked.result == 'success'" in deploy["build"]["if"]


def test_circleci_holds_before_prod() -> None:
    workflows = load(CIRCLECI)["workflows"]
    for name in ("deploy", "rollback"):
        steps: dict[str, Any] = {}
        for entry in workflows[name]["jobs"]:
            for job, more in entry.items() if isinstance(entry, dict) else [(entry, {})]:
                steps[more.get("name", job)] = {"job": job, **more}
        assert steps["hold"]["type"] == "approval"
        assert steps["hold"]["requires"] == ["plan-prod"]
        assert steps["plan-prod"]["requires"][0].startswith("smoke-stage")
        assert steps["plan-stage"]["requires"][0].startswith("smoke-dev")
        assert steps["apply-prod"]["requires"] == ["hold"]
        assert steps["apply-stage"]["requires"] == ["plan-stage"]
        assert {"plan-dev", "apply-dev", "smoke-prod"} <= set(steps)
    names = {more.get("name", job) for entry in workflows["deploy"]["jobs"] if isinstance(entry, dict)
             for job, more in entry.items()}  # fmt: skip
    assert {"terraform/fmt", "validate", "hold"} <= names


def test_circleci_lets_something_be_lost_in_one_environment_only() -> None:
    jobs = load(CIRCLECI)["jobs"]
    for name in ("plan", "apply"):
        (step,) = (s["run"] for s in jobs[name]["steps"] if "scripts/deploy.sh" in str(s))
        said = '[ "$ALLOW_DESTROY_IN" = << parameters.environment >> ] || ALLOW_DESTROY=\n'
        assert said in step["command"].split("scripts/deploy.sh")[0]
