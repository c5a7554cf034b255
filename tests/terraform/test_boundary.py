"""Roles carry the permission boundary, and it holds what they are allowed: else AWS alone would tell."""

import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2] / "terraform"

_ACTION = re.compile(r'"([a-z][a-z0-9-]+:[A-Z*][A-Za-z*]*)"')
_OWN_NAME = re.compile(r'^ +name += "\$\{local\.name\}-', re.MULTILINE)
_ROLE = re.compile(r'^resource "aws_iam_role" "(\w+)" \{$(.*?)^\}$', re.MULTILINE | re.DOTALL)


def _actions(path: Path) -> set[str]:
    """Return the actions of what is allowed; keys of conditions look like them."""
    text = re.sub(r"^ +variable += .*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    statements = re.split(r"^  statement \{$", text, flags=re.MULTILINE)
    return {action for part in statements if '"Deny"' not in part for action in _ACTION.findall(part)}


def test_every_role_that_the_pipeline_makes_carries_the_boundary() -> None:
    """bootstrap/ is run by an administrator: the pipeline's own roles are what it limits by this."""
    roles = [
        (path.name, *match.groups())
        for path in (*ROOT.glob("*.tf"), *(ROOT / "shared").glob("*.tf"))
        for match in _ROLE.finditer(path.read_text(encoding="utf-8"))
    ]
    assert len(roles) >= 7
    assert not [(file, name) for file, name, body in roles if "permissions_boundary" not in body]
    assert not [(file, name) for file, name, body in roles if not _OWN_NAME.search(body)]


def test_the_boundary_holds_what_roles_are_allowed() -> None:
    """A role may do what its policies and the boundary allow: what is forgotten here would be refused."""
    allowed = _actions(ROOT / "bootstrap" / "boundary.tf")
    files = [path for path in ROOT.glob("iam*.tf") if path.name != "iam_groups.tf"]  # people have no boundary
    asked = {action for path in (*files, ROOT / "shared" / "push.tf") for action in _actions(path)}
    asked.remove("sts:AssumeRoleWithWebIdentity")  # in a trust policy, which no boundary limits
    assert len(asked) >= 30
    assert not {a for a in asked if not any(fnmatchcase(a, pattern) for pattern in allowed)}
