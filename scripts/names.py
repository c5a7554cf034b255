"""Print what a pipeline must know of an account, from the files that Terraform itself reads.

Usage: names.py dev|stage|prod

Lines of key=value: region, project, registry, plan_role, apply_role, push_role. So account ids and hosts
stand in terraform/envs alone, and no pipeline has variables of its own that could differ.
"""

import re
import sys
from pathlib import Path

ENVIRONMENTS = Path(__file__).resolve().parents[1] / "terraform" / "envs"


class TfvarsError(Exception):
    """A file does not say what is asked; the message says which."""


def names(file: Path) -> dict[str, str]:
    """Read one .tfvars file; raises TfvarsError where something is missing or looks odd."""
    text = file.read_text()

    def value(name: str, pattern: str, default: str | None = None) -> str:
        found = re.search(rf'^\s*{name}\s*=\s*"({pattern})"\s*(?:#.*)?$', text, re.MULTILINE)
        if found:
            return found[1]
        if default is None or re.search(rf"^\s*{name}\s*=", text, re.MULTILINE):
            raise TfvarsError(f"{file.name} says no {name} of the form {pattern}")
        return default

    project = value("project", r"[a-z][a-z0-9-]{1,15}", "diagport")
    region = value("region", r"[a-z]{2}(?:-[a-z]+)+-[1-9]")
    account = value(file.stem, r"[0-9]{12}")
    partition = (
        "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
    )

    def role(account: str, name: str) -> str:
        return f"arn:{partition}:iam::{account}:role/{project}-{name}"

    return {
        "region": region,
        "project": project,
        "registry": value("ecr_registry", r"[0-9]{12}\.dkr\.ecr\.[a-z0-9.-]+"),
        "plan_role": role(account, "terraform-plan"),
        "apply_role": role(account, "terraform-apply"),
        "push_role": role(value("shared", r"[0-9]{12}"), "shared-image-push"),
    }


def main() -> int:
    if len(sys.argv) != 2 or sys.argv[1] not in {"dev", "stage", "prod"}:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        found = names(ENVIRONMENTS / f"{sys.argv[1]}.tfvars")
    except (OSError, TfvarsError) as error:
        print(error, file=sys.stderr)
        return 1
    print("".join(f"{name}={value}\n" for name, value in found.items()), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
