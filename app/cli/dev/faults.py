"""The fault suite's last word: how many faults were survived."""

import os

import click
import pytest


class Tally:
    """Counts the tests of one run. A skipped fault was not survived."""

    def __init__(self) -> None:
        self.total = 0
        self.failed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.total += report.when == "setup"
        if not report.passed:
            self.failed.add(report.nodeid)


def run_faults() -> int:
    """Run the suite and print `faults survived N/N` last; return pytest's exit status."""
    tally = Tally()
    # Side by side: each test mostly waits for processes to start.
    status = pytest.main(["tests/faults", "--long", "-n", str(os.cpu_count() or 2)], plugins=[tally])
    click.echo(f"faults survived {tally.total - len(tally.failed)}/{tally.total}")
    return int(status)
