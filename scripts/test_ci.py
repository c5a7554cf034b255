"""Run the suite; where at most five tests fail, run exactly those once more, one after the other.

Usage: test_ci.py [options of pytest]

For machines that are busy with much else, where a test may miss its time through no fault of what it tests.
A test that passes the second time is printed as UNSTEADY, and kept in .local/unsteady until the next run: it
is owed a repair. Exit status: that of pytest, 0 also where all that failed passed alone.
"""

import contextlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

MOST = 5  # more than these are no accident
CACHE = Path(".pytest_cache/ci")  # its own: what failed in other runs does not belong to this one
UNSTEADY = Path(".local/unsteady")
FAILED = 1  # pytest's own status for "tests ran, and some failed"; all others are about the run itself


def pytest(*options: str) -> int:
    command = [sys.executable, "-m", "pytest", "-o", f"cache_dir={CACHE}", *options]
    return subprocess.run(command, check=False).returncode


def failed() -> list[str]:
    """Name what failed or could not be set up, as pytest remembers it; workers' failures are among them."""
    try:
        return sorted(json.loads((CACHE / "v/cache/lastfailed").read_bytes()))
    except FileNotFoundError:
        return []


def ran(report: Path) -> int:
    """Count the tests of a JUnit report."""
    with contextlib.suppress(FileNotFoundError, ElementTree.ParseError):
        return len(list(ElementTree.parse(report).getroot().iter("testcase")))  # noqa: S314  # ours
    return 0


def main(options: list[str]) -> int:
    shutil.rmtree(CACHE, ignore_errors=True)
    UNSTEADY.unlink(missing_ok=True)
    status = pytest(*options)
    names = failed()
    if status != FAILED or not names:
        return status
    if len(names) > MOST:
        print(f"{len(names)} tests failed: too many to be an accident, so none is tried again.")
        return status
    print(f"{len(names)} failed; tried once more, alone:", *names, sep="\n  ", flush=True)
    report = CACHE / "again.xml"
    again = pytest(
        "--last-failed", "--last-failed-no-failures=none", f"--junitxml={report}", *_alone(options)
    )
    if again:
        return again
    if ran(report) != len(names):
        print(f"{ran(report)} tests ran of the {len(names)} that failed: this proves nothing.")
        return status
    UNSTEADY.parent.mkdir(exist_ok=True)
    UNSTEADY.write_text("".join(f"UNSTEADY: {name}\n" for name in names))
    print(UNSTEADY.read_text(), end="")
    return 0


def _alone(options: list[str]) -> list[str]:
    """Leave out how many processes there shall be."""
    kept = []
    rest = iter(options)
    for option in rest:
        if option in {"-n", "--numprocesses"}:
            next(rest, None)
        elif not option.startswith(("-n", "--numprocesses=")):
            kept.append(option)
    return kept


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
