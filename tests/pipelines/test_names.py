"""scripts/names.py: what pipelines know of accounts is what Terraform makes there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.dev import ROOT
from scripts.names import TfvarsError, names

GOOD = """
region = "eu-west-1" # Ireland
account_ids = {
  dev    = "111111111111"
  shared = "444444444444"
}
ecr_registry = "444444444444.dkr.ecr.eu-west-1.amazonaws.com"
"""


def write(directory: Path, text: str) -> Path:
    file = directory / "dev.tfvars"
    file.write_text(text)
    return file


def test_an_environment_has_its_own_account(tmp_path: Path) -> None:
    assert names(write(tmp_path, GOOD)) == {
        "region": "eu-west-1",
        "project": "diagport",
        "registry": "444444444444.dkr.ecr.eu-west-1.amazonaws.com",
        "plan_role": "arn:aws:iam::111111111111:role/diagport-terraform-plan",
        "apply_role": "arn:aws:iam::111111111111:role/diagport-terraform-apply",
        "push_role": "arn:aws:iam::444444444444:role/diagport-shared-image-push",
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("eu-west-1", "eu west"),
        ("111111111111", "1"),
        ('  dev    = "111111111111"\n', ""),
        ("444444444444.dkr", "docker"),
        ("region", "project = 7\nregion"),
    ],
)
def test_what_looks_odd_is_not_passed_on(tmp_path: Path, old: str, new: str) -> None:
    with pytest.raises(TfvarsError):
        names(write(tmp_path, GOOD.replace(old, new)))


@pytest.mark.parametrize("environment", ["dev", "stage", "prod"])
def test_every_environment_of_ours_is_read(environment: str) -> None:
    command = [sys.executable, str(ROOT / "scripts" / "names.py"), environment]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert dict(line.split("=") for line in lines) == names(
        ROOT / "terraform" / "envs" / f"{environment}.tfvars"
    )


def test_roles_are_called_as_terraform_calls_them() -> None:
    """The names of the three roles are said twice: here and there."""
    code = "\n".join(path.read_text() for path in (ROOT / "terraform").glob("*/*.tf"))
    made = set(re.findall(r'name\s*= "(\$\{(?:var\.project|local\.name)\}-[a-z-]+)"', code))
    assert {
        "${var.project}-terraform-plan",
        "${var.project}-terraform-apply",
        "${local.name}-image-push",
    } <= made
    assert '"${var.project}-shared"' in code  # local.name, in shared/


@pytest.mark.parametrize("arguments", [[], ["qa"], ["dev", "prod"]])
def test_other_environments_have_none(arguments: list[str]) -> None:
    command = [sys.executable, str(ROOT / "scripts" / "names.py"), *arguments]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 2
