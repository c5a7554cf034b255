"""What Terraform runs where it is applied acts as its provider does (`aws_roles_map`, TERRAFORM)."""

import re
import subprocess
import textwrap
from pathlib import Path
from typing import Final

import pytest

from tests.terraform import given

_BLOCK: Final = re.compile(
    r'^  provisioner "local-exec" \{\n    command = <<-EOT\n(.*?)^    EOT\n(.*?)^  \}$',
    re.MULTILINE | re.DOTALL,
)
_ROLE: Final = "arn:aws:iam::222222222222:role/deployer"
_AWS: Final = """#!/bin/sh
echo "$*" >>"$CALLS"
[ -z "$REFUSED" ] || { echo "AccessDenied" >&2; exit 254; }
printf 'ID\\tKEY\\tTOKEN\\n'
"""
_SCRIPT: Final = """#!/bin/sh
echo "$AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY $AWS_SESSION_TOKEN" >"$RAN"
"""


def _blocks() -> dict[str, tuple[str, str]]:
    """Return command and environment of each provisioner, by file; there is at most one in a file."""
    found = {}
    for path in given.TERRAFORM.glob("*.tf"):
        text = path.read_text(encoding="utf-8")
        blocks = _BLOCK.findall(text)
        assert len(blocks) == text.count('provisioner "'), f"{path.name}: a provisioner of another shape"
        if blocks:
            [found[path.name]] = blocks
    return found


def _command(file: str) -> str:
    """Return what the shell is given."""
    text = (given.TERRAFORM / "locals.tf").read_text(encoding="utf-8")
    [begins] = re.findall(r"^  as_the_provider = <<-EOT\n(.*?)^  EOT$", text, re.MULTILINE | re.DOTALL)
    command = textwrap.dedent(_blocks()[file][0])
    return command.replace("${local.as_the_provider}", textwrap.dedent(begins))


def _run(file: str, place: Path, role: str, refused: str = "") -> subprocess.CompletedProcess[str]:
    for name, text in (("aws", _AWS), ("script", _SCRIPT)):
        (place / name).write_text(text)
        (place / name).chmod(0o755)
    names = dict.fromkeys(re.findall(r"^ +([A-Z_]+) += ", _blocks()[file][1], re.MULTILINE), "given")
    told = {"SCRIPT": str(place / "script"), "ROLE": role, "SESSION": "diagport-prod-x"}
    fake = {"CALLS": str(place / "calls"), "RAN": str(place / "ran"), "REFUSED": refused}
    own = {"AWS_ACCESS_KEY_ID": "own", "AWS_SECRET_ACCESS_KEY": "own", "AWS_SESSION_TOKEN": "own"}
    return subprocess.run(
        ["/bin/sh", "-c", _command(file)],
        env={"PATH": f"{place}:/usr/bin:/bin"} | own | names | told | fake,
        capture_output=True,
        text=True,
        check=False,
    )


def test_both_are_found() -> None:
    assert set(_blocks()) == {"assets.tf", "ecs_jobs.tf"}


@pytest.mark.parametrize("file", ["assets.tf", "ecs_jobs.tf"])
def test_it_says_who_and_what(file: str) -> None:
    environment = _blocks()[file][1]
    assert re.search(
        r'ROLE += coalesce\(local\.terraform_role\.default, "none"\)$', environment, re.MULTILINE
    )
    [script] = re.findall(r'SCRIPT += "\$\{path\.root\}/\.\./(.*)"$', environment, re.MULTILINE)
    assert (given.ROOT / script).exists()


@pytest.mark.parametrize("file", ["assets.tf", "ecs_jobs.tf"])
def test_it_takes_on_the_role_of_the_provider(file: str, tmp_path: Path) -> None:
    done = _run(file, tmp_path, _ROLE)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "ran").read_text() == "ID KEY TOKEN\n"
    [call] = (tmp_path / "calls").read_text().splitlines()
    assert call.startswith(f"sts assume-role --role-arn {_ROLE} --role-session-name diagport-prod-x ")


@pytest.mark.parametrize("file", ["assets.tf", "ecs_jobs.tf"])
def test_without_one_it_is_whoever_applies(file: str, tmp_path: Path) -> None:
    done = _run(file, tmp_path, "none")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "ran").read_text() == "own own own\n"
    assert not (tmp_path / "calls").exists()


@pytest.mark.parametrize("file", ["assets.tf", "ecs_jobs.tf"])
def test_refused_the_role_it_does_nothing(file: str, tmp_path: Path) -> None:
    """Nor does it go on as somebody else."""
    done = _run(file, tmp_path, _ROLE, refused="1")
    assert done.returncode != 0
    assert not (tmp_path / "ran").exists()
