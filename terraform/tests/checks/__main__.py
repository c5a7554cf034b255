"""Checks of a state: `python terraform/tests/checks STATE.json PLAN.json ENVIRONMENT`.

Both are what `terraform show -json` prints: of the state after an apply, and of the plan that it came from.
Prints what is wrong, one line each, and ends with 1 if anything is.
"""

import json
import sys
from pathlib import Path

import access  # noqa: F401
import network  # noqa: F401
import order  # noqa: F401
import stores  # noqa: F401
import tasks  # noqa: F401
import watching  # noqa: F401
from spoiling import blind
from state import CHECKS, State


def main() -> None:
    *paths, environment = sys.argv[1:]
    after, plan = (json.loads(Path(path).read_text(encoding="utf-8")) for path in paths)
    state = State(after, plan, environment)
    wrong = 0
    for name, check in CHECKS.items():
        try:
            findings = list(check(state))
        except (AssertionError, KeyError, ValueError) as error:  # what it looks for is not there at all
            findings = [f"{type(error).__name__}: {error}"]
        for finding in findings:
            print(f"{environment}: {name}: {finding}")  # noqa: T201
        wrong += len(findings)
    for name in blind(after, plan, environment):
        print(f"{environment}: {name} finds nothing, whatever is wrong")  # noqa: T201
        wrong += 1
    print(f"{environment}: {len(CHECKS)} checks of {len(state.resources)} resources, {wrong} findings")  # noqa: T201
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
