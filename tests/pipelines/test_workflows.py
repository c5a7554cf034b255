"""Both pipelines: pinned, without keys, and with the same stages. Item 35 of the infrastructure checklist."""

import re
from pathlib import Path

import pytest

from app.cli.dev import ROOT
from tests.pipelines.documents import CIRCLECI, WORKFLOWS, jobs, load

PINNED = re.compile(r"uses: (?P<action>[\w.-]+/[\w.-]+)@(?P<commit>[0-9a-f]{40}) # v\d+\.\d+\.\d+$")
DOCS = ROOT / "docs" / "deploy" / "pipelines.md"


def test_every_action_is_pinned_and_documented() -> None:
    """By its commit; each action by one commit only; where it was compared stands in the documentation."""
    commits: dict[str, set[str]] = {}
    for path in WORKFLOWS:
        for line in path.read_text().splitlines():
            if re.match(r"\s*(- )?uses: (?!\./)", line):
                pinned = PINNED.search(line)
                assert pinned, f"{path.name}: {line.strip()}"
                commits.setdefault(pinned["action"], set()).add(pinned["commit"])
    assert set(commits) == {"actions/checkout", "aws-actions/configure-aws-credentials"}
    for action, found in commits.items():
        assert len(found) == 1, action
        assert f"`{found.pop()}`" in DOCS.read_text()


def test_every_image_is_pinned_and_documented() -> None:
    texts = [path.read_text() for path in (*WORKFLOWS, CIRCLECI, ROOT / "scripts" / "build-image.sh")]
    images = [found for text in texts for found in re.findall(r"[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}", text)]
    assert len(images) >= 5
    for image in images:
        assert f"`{image.split('@')[1]}`" in DOCS.read_text(), image
    for _, job in jobs():
        assert "container" not in job or "@sha256:" in job["container"]["image"]
    for executor in load(CIRCLECI)["executors"].values():
        assert set(executor) == {"machine"}


@pytest.mark.parametrize("path", [*WORKFLOWS, CIRCLECI], ids=lambda path: path.name)
def test_no_keys_are_kept(path: Path) -> None:
    """Roles are assumed with the run's own token; the one secret is a token of the portal's own."""
    text = path.read_text()
    assert not re.search(r"aws.access.key|aws.secret|AKIA|\d{12}", text, re.IGNORECASE)
    assert set(re.findall(r"secrets\.(\w+)", text)) <= {"SMOKE_TOKEN"}
    assert "pull_request_target" not in text
    assert "secrets: inherit" not in text


def test_workflows_read_unless_they_say_more() -> None:
    for path in WORKFLOWS:
        assert load(path)["permissions"] == {"contents": "read"}, path.name
    may_write = {
        name: {key for key, value in job["permissions"].items() if value == "write"}
        for name, job in jobs()
        if "write" in job.get("permissions", {}).values()
    }
    assert may_write.pop("weekly/propose") == {"contents", "pull-requests", "actions"}
    assert set(map(frozenset, may_write.values())) == {frozenset({"id-token"})}


def test_a_checkout_leaves_no_credentials() -> None:
    for name, job in jobs():
        for step in job.get("steps", []):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"] == {"persist-credentials": False}, name


def test_roles_are_had_where_they_belong() -> None:
    """Nothing that a pull request runs can apply or push; what applies belongs to a protected environment."""
    roles = {
        name: re.findall(r"outputs\.(\w+_role)", str(step["with"]["role-to-assume"]))[0]
        for name, job in jobs()
        for step in job.get("steps", [])
        if step.get("uses", "").startswith("aws-actions/")
    }
    assert roles == {
        "apply/apply": "apply_role",
        "deploy/build": "push_role",
        "plan/plan": "plan_role",
        "weekly/drift": "plan_role",
    }
    apply = load(ROOT / ".github" / "workflows" / "apply.yml")["jobs"]["apply"]
    assert apply["environment"]["name"] == "${{ inputs.environment }}"
    assert apply["concurrency"] == {"group": "apply-${{ inputs.environment }}", "cancel-in-progress": False}
    callers = {name for name, job in jobs() if job.get("uses", "").endswith("/apply.yml")}
    assert callers == {"deploy/apply-dev", "deploy/apply-stage", "deploy/apply-prod"}


def test_credentials_outlast_an_apply() -> None:
    """Workers may finish their scans first: what Terraform waits fits into job and credentials."""
    terraform = ROOT / "terraform"
    (role,) = re.findall(
        r"max_session_duration = (\d+)", (terraform / "bootstrap" / "roles_apply.tf").read_text()
    )
    job = load(ROOT / ".github" / "workflows" / "apply.yml")["jobs"]["apply"]
    (asked,) = (
        s["with"]["role-duration-seconds"] for s in job["steps"] if s.get("uses", "").startswith("aws-")
    )
    (circleci,) = (s["assume"]["seconds"] for s in load(CIRCLECI)["jobs"]["apply"]["steps"] if "assume" in s)
    assert asked == circleci == int(role) == 7200
    assert 110 * 60 < job["timeout-minutes"] * 60 < asked
    (migrating,) = re.findall(r"--time-limit (\d+)", (terraform / "ecs_jobs.tf").read_text())
    waits = [
        int(minutes)
        for minutes in re.findall(r'update = "(\d+)m"', (terraform / "ecs_worker.tf").read_text())
    ]
    locks = 2 * 10  # planning, and applying
    assert int(migrating) // 60 + max(waits) + locks <= job["timeout-minutes"]
    (patience,) = re.findall(r"^patience=(\d+)m$", (ROOT / "scripts" / "deploy.sh").read_text(), re.MULTILINE)
    plan = load(ROOT / ".github" / "workflows" / "plan.yml")["jobs"]["plan"]
    assert int(patience) + 10 <= plan["timeout-minutes"] <= 60  # and as long as its credentials last


def test_processes_can_be_confined_where_tests_run() -> None:
    """T26: tests that need mounts of their own fail there, and are not left out."""
    options = load(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]["test"]["container"]["options"]
    (ran,) = (s["run"]["command"] for s in load(CIRCLECI)["jobs"]["test"]["steps"] if "run" in s)
    for text in (options, ran):
        assert "--cap-add SYS_ADMIN --security-opt apparmor=unconfined" in text


@pytest.mark.parametrize("path", [*WORKFLOWS, CIRCLECI], ids=lambda path: path.name)
def test_every_script_that_is_called_is_there(path: Path) -> None:
    for script in re.findall(r"scripts/[\w-]+\.(?:sh|py)", path.read_text()):
        assert (ROOT / script).is_file(), script


def test_both_call_the_same() -> None:
    """What a stage does stands in scripts/ and the Makefile; pipelines say when, and with which role."""

    def called(*paths: Path) -> set[str]:
        what = r"scripts/[\w-]+\.(?:sh|py)(?: (?:plan|apply|drift))?|make [\w-]+"
        return {found for path in paths for found in re.findall(what, path.read_text())}

    # CircleCI has no rules of environments that could be asked for; its hold is a job.
    only_github = {"scripts/check_hold.py", "make ca-certificates"}
    assert called(CIRCLECI) - {"scripts/assume-role.sh"} == called(*WORKFLOWS) - only_github


def test_what_is_proposed_is_what_was_rebuilt() -> None:
    """The registry is asked once; the one answer is built, scanned and proposed."""
    weekly = load(ROOT / ".github" / "workflows" / "weekly.yml")["jobs"]
    ran = {name: "\n".join(str(step.get("run")) for step in job["steps"]) for name, job in weekly.items()}
    assert [name for name, text in ran.items() if "renew_pins.py" in text] == ["renew"]
    for name in ("rebuild", "propose"):
        assert "renew" in weekly[name]["needs"]
        assert '"$PATCH" | base64 -d | git apply' in ran[name]
        given = [step["env"]["PATCH"] for step in weekly[name]["steps"] if "PATCH" in step.get("env", {})]
        assert given == ["${{ needs.renew.outputs.patch }}"]
    assert "rebuild" in weekly["propose"]["needs"]
