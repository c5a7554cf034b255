"""scripts/test_ci.py: what fails once is told apart from what fails."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.dev import ROOT

# Fails the first time it is run, and never again.
UNSTEADY = """
import os, pathlib, pytest

def first_time(name):
    seen = pathlib.Path(name)
    if seen.exists():
        return False
    seen.touch()
    return True
"""
PASSES = "def test_passes():\n    pass\n"
ONCE = "def test_once():\n    assert not first_time('a')\n"
ONCE_SET_UP = """
@pytest.fixture
def late():
    assert not first_time('b')
def test_late(late):
    pass
"""
ONCE_DEAD = "def test_dead():\n    if first_time('c'):\n        os._exit(3)\n"
TWO_NAMES = (
    "@pytest.mark.parametrize('n', [1, 2])\ndef test_named(n):\n    assert n != 2 or not first_time('d')\n"
)
WRONG = "def test_wrong():\n    assert False\n"
MANY = "@pytest.mark.parametrize('n', range(6))\ndef test_many(n):\n    assert not first_time(str(n))\n"


def run(directory: Path, *parts: str, processes: int = 0) -> subprocess.CompletedProcess[str]:
    (directory / "pytest.ini").write_text("[pytest]\n")
    (directory / "test_it.py").write_text(UNSTEADY + "".join(parts))
    command = [sys.executable, str(ROOT / "scripts" / "test_ci.py"), "-q"]
    if processes:
        command += ["-n", str(processes)]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=60, check=False)


def unsteady(directory: Path) -> list[str]:
    kept = directory / ".local" / "unsteady"
    return kept.read_text().splitlines() if kept.exists() else []


def test_what_passes_runs_once(tmp_path: Path) -> None:
    done = run(tmp_path, PASSES)
    assert done.returncode == 0
    assert done.stdout.count("passed") == 1
    assert unsteady(tmp_path) == []


@pytest.mark.parametrize("processes", [0, 2])
def test_what_fails_once_is_named(tmp_path: Path, processes: int) -> None:
    """Failed assertions, failed set-up, one of several parameters; by itself and from workers."""
    done = run(tmp_path, PASSES, ONCE, ONCE_SET_UP, TWO_NAMES, processes=processes)
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout.splitlines()[-4]  # and nothing but those
    named = ["test_it.py::test_late", "test_it.py::test_named[2]", "test_it.py::test_once"]
    assert unsteady(tmp_path) == [f"UNSTEADY: {name}" for name in named]
    assert done.stdout.endswith("".join(f"UNSTEADY: {name}\n" for name in named))


def test_what_kills_its_worker_is_tried_again(tmp_path: Path) -> None:
    done = run(tmp_path, PASSES, ONCE_DEAD, processes=2)
    assert done.returncode == 0, done.stdout
    assert unsteady(tmp_path) == ["UNSTEADY: test_it.py::test_dead"]


def test_what_fails_twice_fails(tmp_path: Path) -> None:
    done = run(tmp_path, ONCE, WRONG, processes=2)
    assert done.returncode == 1
    assert "UNSTEADY" not in done.stdout
    assert unsteady(tmp_path) == []


def test_more_than_five_fail_at_once(tmp_path: Path) -> None:
    done = run(tmp_path, MANY, processes=2)
    assert done.returncode == 1
    assert "6 tests failed: too many" in done.stdout
    assert done.stdout.count("6 failed") == 1


@pytest.mark.parametrize("content", ["import nothing_of_this_name\n", "def test_(:\n"])
def test_what_cannot_be_read_fails(tmp_path: Path, content: str) -> None:
    done = run(tmp_path, PASSES, content)
    assert done.returncode not in {0, 1}


def test_no_tests_at_all_are_not_enough(tmp_path: Path) -> None:
    assert run(tmp_path).returncode == 5


def test_failures_of_other_runs_count_for_nothing(tmp_path: Path) -> None:
    """What failed before, and is not there any more, does not stand in the way."""
    assert run(tmp_path, WRONG).returncode == 1
    done = run(tmp_path, ONCE)
    assert done.returncode == 0
    assert unsteady(tmp_path) == ["UNSTEADY: test_it.py::test_once"]
