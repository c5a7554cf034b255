"""Examine one stored bundle in a process of its own, and say what that took.

Usage: python -m tests.hostile.weigh BUNDLE unix:/clamd.sock|fake
"""

import json
import sys
import time
from pathlib import Path

from app.adapters.scanner import ClamdScanner
from app.bundle.budget import Budget
from app.ports import Scanner
from app.services.scanning.examine import examine
from tests.fakes import FakeScanner


def peak() -> int:
    """Return the most memory that this program held, in bytes; rusage would count its parent's."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def main(path: str, scanner: str) -> None:
    engine: Scanner = FakeScanner() if scanner == "fake" else ClamdScanner(scanner, 120)
    with Path(path).open("rb") as source:
        report = examine(engine, source, budget=Budget(), connections=4)
    said = {
        "verdict": report.verdict,
        "obstacle": report.obstacle,
        "reason": report.reason,
        "findings": [finding.member for finding in report.findings],
        "members": [report.members_scanned, report.members_total],
        "bytes": [report.bytes_scanned, report.bytes_expanded],
        "cpu": time.process_time(),
        "peak": peak(),
    }
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main(*sys.argv[1:])
