"""scripts/plan_guard.py on plans that Terraform made (plans/*.json), and on what no plan looks like."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.cli.dev import ROOT
from scripts.plan_guard import STATEFUL, losses

PLANS = Path(__file__).with_name("plans")
# What holds the data, what saves it, and what others know by its name.
KINDS = [
    "aws_backup_selection",
    "aws_backup_vault_lock_configuration",
    "aws_efs_file_system",
    "aws_kms_key",
    "aws_lb",
    "aws_rds_cluster",
    "aws_s3_bucket",
    "aws_sns_topic",
]


def guard(plan: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "plan_guard.py"), str(plan), *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def change(address: str, *actions: str, **more: Any) -> dict[str, Any]:
    return {"address": address, "type": address.split(".")[0], "change": {"actions": list(actions)}, **more}


@pytest.mark.parametrize(
    ("plan", "status", "said"),
    [
        ("ordinary", 0, ""),  # tags changed, and a replaced terraform_data, which holds nothing
        ("replaced", 1, "STOPPED: aws_kms_key.data would be replaced by an empty one"),
        ("destroyed", 1, "STOPPED: aws_s3_bucket.uploads would be destroyed"),
        ("forgotten", 1, "STOPPED: aws_s3_bucket.uploads would be forgotten"),
    ],
)
def test_plans_that_terraform_made(plan: str, status: int, said: str) -> None:
    done = guard(PLANS / f"{plan}.json")
    assert (done.returncode, done.stderr) == (status, "")
    assert said in done.stdout


def test_what_was_allowed_may_go() -> None:
    """The bucket alone is not enough: the topic that the same plan destroys has subscribers."""
    topic = "aws_sns_topic.alarms"
    assert guard(PLANS / "destroyed.json", "--allow", "aws_s3_bucket.uploads").returncode == 1
    done = guard(PLANS / "destroyed.json", "--allow", f"aws_s3_bucket.uploads {topic}")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "allowed: aws_s3_bucket.uploads would be destroyed",
        f"allowed: {topic} would be destroyed",
    ]


def test_an_address_allows_itself_alone(tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    changes = [change("aws_s3_bucket.a", "delete"), change('aws_kms_key.k["b"]', "create", "delete")]
    plan.write_text(json.dumps({"format_version": "1.2", "resource_changes": changes}))
    assert guard(plan, "--allow", "aws_s3_bucket.a").returncode == 1
    assert guard(plan, "--allow", "aws_s3_bucket").returncode == 1
    done = guard(plan, "--allow", 'aws_s3_bucket.a aws_kms_key.k["b"] aws_sqs_queue.c')
    assert done.returncode == 0
    assert "not needed: aws_sqs_queue.c" in done.stdout


@pytest.mark.parametrize("actions", [["create"], ["update"], ["no-op"], ["read"]])
def test_what_stays_passes(actions: list[str]) -> None:
    assert losses({"resource_changes": [change("aws_rds_cluster.portal", *actions)]}) == {}


@pytest.mark.parametrize(
    "actions", [["delete"], ["delete", "create"], ["create", "delete"], ["forget"], ["create", "forget"]]
)
@pytest.mark.parametrize("kind", KINDS)
def test_every_way_to_lose_it_is_seen(kind: str, actions: list[str]) -> None:
    address = f"module.inner[0].{kind}.it"
    plan = {"resource_changes": [{**change(f"{kind}.it", *actions), "address": address}]}
    assert list(losses(plan)) == [address]


def test_what_is_gone_already_is_seen() -> None:
    """Terraform would quietly make an empty one."""
    plan = {
        "resource_changes": [change("aws_rds_cluster.portal", "create")],
        "resource_drift": [change("aws_rds_cluster.portal", "delete"), change("aws_route.out", "delete")],
    }
    assert list(losses(plan)) == ["aws_rds_cluster.portal"]


@pytest.mark.parametrize(
    "content", ["", "[]", "null", "{}", '{"format_version": "1.2", "errored": true}', "no JSON"]
)
def test_what_is_no_plan_is_not_passed(tmp_path: Path, content: str) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(content)
    assert guard(plan).returncode == 2


def test_a_file_that_is_not_there_is_not_passed(tmp_path: Path) -> None:
    assert guard(tmp_path / "plan.json").returncode == 2


def test_what_terraform_itself_refuses_to_destroy_is_stateful() -> None:
    """`prevent_destroy` in the code and this list say the same thing."""
    blocks = re.compile(r'^resource "(\w+)" "\w+" \{$(.*?)^\}$', re.DOTALL | re.MULTILINE)
    found = {
        kind
        for file in (ROOT / "terraform").glob("*.tf")
        for kind, body in blocks.findall(file.read_text())
        if re.search(r"prevent_destroy\s*=\s*true", body)
    }
    assert found <= STATEFUL
