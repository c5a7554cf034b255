"""scripts/deploy.sh: what is planned, what is applied, and what is not."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from app.cli.dev import ROOT
from scripts.plan_digest import digest
from tests.pipelines.fakes import Programs

PLANS = Path(__file__).with_name("plans")
OLDER = "0123456789012345678901234567890123456789"
PROVIDERS = {"registry.terraform.io/hashicorp/aws": "6.25.0"}


class Checkout:
    """The scripts in a repository of their own, with a Terraform that plans what it is told to plan."""

    def __init__(self, directory: Path) -> None:
        shutil.copytree(ROOT / "scripts", directory / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
        (directory / "terraform" / "envs").mkdir(parents=True)
        shutil.copy(ROOT / "terraform" / "envs" / "dev.tfvars", directory / "terraform" / "envs")
        self.directory = directory
        self.git("init", "--quiet")
        self.git(
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.com",
            "commit",
            "--quiet",
            "--allow-empty",
            "-m",
            "x",
        )
        self.head = self.git("rev-parse", "HEAD")
        self.programs = Programs(directory / "bin")
        self.programs.add("terraform", "aws")
        self.programs.answer("aws ecr batch-get-image", f"{OLDER}\n")
        self.plans("ordinary")

    def git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.directory), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def plans(self, name: str, status: int = 2) -> str:
        """Return the digest of what is planned from now on."""
        text = (PLANS / f"{name}.json").read_text()
        self.programs.answer("show -json", text)
        self.programs.answer("show -no-color", "the plan, for people\nPlan: 1 to add\n")
        self.programs.answer("plan -no-color", status=status)
        self.programs.answer("version -json", json.dumps({"provider_selections": PROVIDERS}))
        return digest(json.loads(text), PROVIDERS)

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.programs.run("deploy.sh", *arguments, cwd=self.directory, **environment)

    def applied(self) -> bool:
        return bool(self.programs.calls("apply"))


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_a_plan_says_its_digest_and_changes_nothing(checkout: Checkout) -> None:
    summary = checkout.directory / "summary"
    done = checkout.run("plan", "dev", checkout.head, SUMMARY=str(summary))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"digest={checkout.plans('ordinary')}"
    assert "the plan, for people" in summary.read_text()
    assert "### dev: Plan: 1 to add" in summary.read_text()
    (plan,) = checkout.programs.calls("plan -no-color")
    assert "-var-file=envs/dev.tfvars" in plan
    assert f"image_tag={checkout.head}" in plan
    assert "run_migrations=true" in plan
    (init,) = checkout.programs.calls("init")
    assert "-backend-config=envs/dev.s3.tfbackend" in init
    assert not checkout.applied()


def test_what_was_reviewed_is_applied(checkout: Checkout) -> None:
    done = checkout.run("apply", "dev", checkout.head, checkout.plans("ordinary"))
    assert done.returncode == 0, done.stderr
    (apply,) = checkout.programs.calls("apply")
    made = checkout.programs.calls("plan -no-color")[0].split("-out=")[1]
    assert apply.endswith(f" {made}")  # that very plan
    assert not Path(made).parent.exists()  # it holds secrets, and does not stay


def test_what_nobody_reviewed_is_not_applied(checkout: Checkout) -> None:
    done = checkout.run("apply", "dev", checkout.head, "0" * 64)
    assert done.returncode == 1
    assert "not the plan that was reviewed" in done.stderr
    assert not checkout.applied()


@pytest.mark.parametrize("deed", ["plan", "apply"])
def test_what_holds_data_is_not_lost(checkout: Checkout, deed: str) -> None:
    """Not even with the right digest; only with its address."""
    reviewed = checkout.plans("replaced")
    digits = [reviewed] if deed == "apply" else []
    done = checkout.run(deed, "dev", checkout.head, *digits)
    assert done.returncode == 1
    assert "STOPPED: aws_kms_key.data" in done.stdout
    assert not checkout.applied()
    assert "digest=" not in done.stdout
    done = checkout.run(deed, "dev", checkout.head, *digits, ALLOW_DESTROY="aws_kms_key.data")
    assert done.returncode == 0, done.stderr
    assert checkout.applied() == (deed == "apply")


def test_older_images_do_not_migrate(checkout: Checkout) -> None:
    """An older release does not know the migrations of a newer one, and would fail at them."""
    done = checkout.run("plan", "dev", OLDER)
    assert done.returncode == 0, done.stderr
    (plan,) = checkout.programs.calls("plan -no-color")
    assert f"image_tag={OLDER}" in plan
    assert "run_migrations=false" in plan
    asked = checkout.programs.calls("aws ecr batch-get-image --registry-id 444444444444 --region eu-west-1")
    assert [call.split("--repository-name ")[1].split()[0] for call in asked] == [
        "diagport/app",
        "diagport/clamav",
    ]


@pytest.mark.parametrize("deed", ["plan", "apply"])
@pytest.mark.parametrize("answer", [{"output": "\n"}, {"status": 255, "errors": "no network"}])
def test_older_images_must_be_there(checkout: Checkout, deed: str, answer: dict[str, Any]) -> None:
    checkout.programs.answer("diagport/clamav", **answer)
    digits = [checkout.plans("ordinary")] if deed == "apply" else []
    done = checkout.run(deed, "dev", OLDER, *digits)
    assert done.returncode == 1
    assert "no image clamav of 0123" in done.stderr or "no network" in done.stderr
    assert not checkout.programs.calls("plan -no-color")


def test_who_may_not_ask_for_images_is_told(checkout: Checkout) -> None:
    """The role that plans may not pull; the pipelines have asked before, with another."""
    checkout.programs.answer("aws ecr", status=254, errors="An error occurred (AccessDeniedException)")
    done = checkout.run("plan", "dev", OLDER)
    assert done.returncode == 0, done.stderr
    assert "look before you apply" in done.stderr


def test_of_the_newest_images_nothing_is_asked(checkout: Checkout) -> None:
    """A pull request's are never pushed, and its plan is made all the same."""
    assert checkout.run("plan", "dev", checkout.head).returncode == 0
    assert checkout.programs.calls("aws") == []


def test_who_plans_waits_for_an_apply(checkout: Checkout) -> None:
    reviewed = checkout.plans("ordinary")
    checkout.run("plan", "dev", checkout.head)
    checkout.run("apply", "dev", checkout.head, reviewed)
    planning, planning_again = checkout.programs.calls("plan -no-color")
    assert "-lock-timeout=45m" in planning
    assert "-lock-timeout=10m" in planning_again


@pytest.mark.parametrize(
    "failing", ["init", "version -json", "plan -no-color", "show -no-color", "show -json"]
)
def test_what_fails_stops_everything(checkout: Checkout, failing: str) -> None:
    reviewed = checkout.plans("ordinary")
    checkout.programs.answer(failing, status=1)
    done = checkout.run("apply", "dev", checkout.head, reviewed)
    assert done.returncode == 1
    assert not checkout.applied()


@pytest.mark.parametrize(("status", "result"), [(0, 0), (2, 1), (1, 1)])
def test_drift(checkout: Checkout, status: int, result: int) -> None:
    """Compared with what was released, not with a newer image."""
    released: dict[str, Any] = {"image_tag": OLDER, "run_migrations": True}
    checkout.plans("ordinary", status=status)
    checkout.programs.answer("output -json", json.dumps({"release": {"value": released}}))
    done = checkout.run("drift", "dev")
    assert done.returncode == result, done.stderr
    (plan,) = checkout.programs.calls("plan -no-color")
    assert f"image_tag={OLDER}" in plan
    assert "run_migrations=true" in plan
    assert not checkout.applied()


def test_drift_of_what_was_never_applied(checkout: Checkout) -> None:
    checkout.programs.answer("output -json", "{}\n")
    done = checkout.run("drift", "dev")
    assert done.returncode == 1
    assert "never applied" in done.stderr
    assert not checkout.programs.calls("plan -no-color")


def test_providers_are_those_that_were_committed(checkout: Checkout) -> None:
    """And a plan of other ones, where none were, is not the one that was reviewed."""
    reviewed = checkout.plans("ordinary")
    newer = dict.fromkeys(PROVIDERS, "6.26.0")
    checkout.programs.answer("version -json", json.dumps({"provider_selections": newer}))
    assert "not the plan that was reviewed" in checkout.run("apply", "dev", checkout.head, reviewed).stderr
    assert "-lockfile=readonly" not in checkout.programs.calls("init")[-1]
    (checkout.directory / "terraform" / ".terraform.lock.hcl").touch()
    checkout.run("plan", "dev", checkout.head)
    assert "-lockfile=readonly" in checkout.programs.calls("init")[-1]
    assert not checkout.applied()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["plan"],
        ["plan", "dev"],
        ["plan", "qa", "abc"],
        ["apply", "dev", "abc"],
        ["apply", "dev", "abc", "xyz"],
        ["apply", "dev", OLDER, "xyz"],
        ["plan", "dev", "v1.2"],
        ["plan", "dev", OLDER[:12]],  # a prefix of HEAD would be taken for HEAD
    ],
)
def test_wrong_arguments_touch_nothing(checkout: Checkout, arguments: list[str]) -> None:
    assert checkout.run(*arguments).returncode == 2
    assert checkout.programs.calls() == []
