"""What is asked of all code in terraform/: where state goes, no ids, words and bounds for variables."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.terraform import given

#: Each is applied by itself, with a state of its own.
ROOTS: Final = (".", "bootstrap", "shared")
#: Environments by where their files lie.
BACKENDS: Final = {
    "envs": ("dev", "stage", "prod"),
    "bootstrap/envs": ("dev", "stage", "prod", "shared"),
    "shared": ("shared",),
}
FILES: Final = [(place, name) for place, names in BACKENDS.items() for name in names]

_BLOCK = re.compile(r'^(variable|output) "(\w+)" \{$(.*?)^\}$', re.MULTILINE | re.DOTALL)
_VALUE = re.compile(r'^(\w+) += "(.*)"$', re.MULTILINE)


def _text(root: str) -> str:
    return "\n".join(
        path.read_text(encoding="utf-8") for path in sorted((given.TERRAFORM / root).glob("*.tf"))
    )


def _declared(root: str, kind: str) -> Iterator[tuple[str, str]]:
    """Yield name and body of each variable or output."""
    found = [(name, body) for which, name, body in _BLOCK.findall(_text(root)) if which == kind]
    assert found, root
    yield from found


def _values(path: Path) -> dict[str, str]:
    return dict(_VALUE.findall(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("root", ROOTS)
def test_state_is_encrypted_and_locked(root: str) -> None:
    [backend] = re.findall(r'^ *backend "s3" \{$(.*?)^ *\}$', _text(root), re.MULTILINE | re.DOTALL)
    said = {line.strip() for line in backend.splitlines() if line.strip()}
    assert {re.sub(r" +", " ", line) for line in said} == {"encrypt = true", "use_lockfile = true"}


@pytest.mark.parametrize(("place", "environment"), FILES)
def test_each_environment_keeps_its_state_in_its_own_account(place: str, environment: str) -> None:
    folder = given.TERRAFORM / place
    backend = _values(folder / f"{environment}.s3.tfbackend")
    variables = (folder / f"{environment}.tfvars").read_text(encoding="utf-8")
    [account] = set(re.findall(rf'^(?:account_id|  {environment}) += "(\d{{12}})"$', variables, re.MULTILINE))
    assert set(backend) == {"bucket", "key", "region", "kms_key_id"}
    assert backend["bucket"] == f"diagport-{environment}-state-{account}"
    assert backend["kms_key_id"] == f"alias/diagport-{environment}-state"


def test_no_two_states_are_the_same_object() -> None:
    states = [_values(given.TERRAFORM / place / f"{name}.s3.tfbackend") for place, name in FILES]
    assert len({(state["bucket"], state["key"]) for state in states}) == len(FILES)


def test_version_control_is_told_to_leave_out_states_and_plans() -> None:
    ignored = set((given.ROOT / ".gitignore").read_text(encoding="utf-8").splitlines())
    assert {".terraform/", "*.tfstate", "*.tfstate.*", "*.tfplan", "backend_override.tf"} <= ignored


def test_no_state_and_no_plan_is_in_version_control() -> None:
    if not (given.ROOT / ".git").exists():
        pytest.skip("this is a copy without its history")
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={given.ROOT}", "ls-files"],
        cwd=given.ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert "terraform/backend.tf" in listed
    kept = re.compile(r"\.tfstate|\.tfplan$|(^|/)\.terraform/|_override\.tf$|(^|/)crash\.log$")
    assert not [path for path in listed if kept.search(path)]


def test_accounts_stand_in_no_code() -> None:
    files = [path for root in ROOTS for path in (given.TERRAFORM / root).glob("*.tf")]
    assert len(files) > 50
    found = {
        path.name: re.findall(r"(?<!\d)\d{12}(?!\d)", path.read_text(encoding="utf-8")) for path in files
    }
    assert not {name: ids for name, ids in found.items() if ids}


def test_no_file_is_too_long_to_be_read_at_once() -> None:
    """As of all other code (tests/architecture/test_source.py)."""
    files = [path for kind in ("*.tf", "*.hcl") for path in given.TERRAFORM.rglob(kind)]
    files = [path for path in files if ".terraform" not in path.parts]
    assert len(files) > 60
    assert not [path.name for path in files if len(path.read_text(encoding="utf-8").splitlines()) > 250]


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("kind", ["variable", "output"])
def test_each_says_what_it_is(root: str, kind: str) -> None:
    for name, body in _declared(root, kind):
        [description] = re.findall(r'^  description += "(.*)"$', body, re.MULTILINE)
        assert len(description.split()) >= 2, name


@pytest.mark.parametrize("root", ROOTS)
def test_every_variable_is_used(root: str) -> None:
    rest = _BLOCK.sub(lambda found: "" if found[1] == "variable" else found[0], _text(root))
    assert not [name for name, _ in _declared(root, "variable") if not re.search(rf"\bvar\.{name}\b", rest)]


@pytest.mark.parametrize("root", ROOTS)
def test_every_variable_has_bounds(root: str) -> None:
    """Of a bool the type says it all."""
    unbounded = {
        name
        for name, body in _declared(root, "variable")
        if not re.search(r"^  type += bool$", body, re.MULTILINE)
        and not re.search(r"^  validation \{$", body, re.MULTILINE)
    }
    assert not unbounded
