"""Fail where an environment of GitHub's does not hold what it is to hold back.

Usage: check_hold.py NAME <ENVIRONMENT.json

Reads what `GET /repos/OWNER/NAME/environments/ENVIRONMENT` answers. A job that names an environment nobody
made gets one without any protection, and would go straight on; so would one whose rules were taken away.
Exit status: 0 when somebody must agree and not every branch may use it, 1 otherwise. Standard library only.
"""

import json
import sys
from typing import Any


def missing(environment: dict[str, Any]) -> list[str]:
    """Return what does not hold, a line each."""
    rules = environment.get("protection_rules") or []
    wrong = []
    if not any(rule.get("type") == "required_reviewers" and rule.get("reviewers") for rule in rules):
        wrong.append("nobody is asked: it has no required reviewers")
    if not environment.get("deployment_branch_policy"):
        wrong.append("every branch may use it: limit it to main")
    return wrong


def main() -> int:
    name = sys.argv[1]
    try:
        environment = json.load(sys.stdin)
        wrong = missing(environment) if environment.get("name") == name else ["it is not there"]
    except (ValueError, AttributeError) as error:
        wrong = [f"it cannot be read: {error}"]
    for line in wrong:
        print(f"environment {name}: {line} (docs/deploy/pipelines.md)", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
