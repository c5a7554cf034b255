"""The aws command for scripts/ecs-run-task.sh: says what a test wants, in the form that version 2 has.

Run as a program; the directory AWS_PLAY has ``answers.json``, operation -> list of answers, of which each
is given once and the last again and again, and gets ``calls.jsonl``. An answer is what the service would
send, or ``{"error": words}``. Options and queries are checked as the real command would.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import jmespath  # type: ignore[import-untyped]


def options_of(words: list[str]) -> dict[str, str]:
    return {name.removeprefix("--"): value for name, value in zip(words[::2], words[1::2], strict=True)}


def as_text(value: Any) -> str:
    """Format as ``--output text`` does: tabs between values, a line for each list within a list."""
    if not isinstance(value, list):
        return str(value)
    if value and all(isinstance(row, list) for row in value):
        return "\n".join(as_text(row) for row in value)
    return "\t".join(str(cell) for cell in value)


def main() -> None:
    _service, operation, *words = sys.argv[1:]
    options = options_of(words)
    play = Path(os.environ["AWS_PLAY"])
    with (play / "calls.jsonl").open("a") as log:
        log.write(json.dumps([operation, options]) + "\n")
    calls = (play / "calls.jsonl").read_text().splitlines()
    nth = sum(json.loads(line)[0] == operation for line in calls) - 1
    answers = json.loads((play / "answers.json").read_text())[operation]
    answer = answers[min(nth, len(answers) - 1)]
    if "error" in answer:
        sys.stderr.write(f"\nAn error occurred {answer['error']}\n")
        sys.exit(254)
    found = jmespath.search(options["query"], answer) if "query" in options else answer
    sys.stdout.write(as_text(found) + "\n")


if __name__ == "__main__":
    main()
