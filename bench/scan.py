"""The scan against `clamdscan --stream` of the same bundle, and against gunzip alone; and its memory."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from app.cli.dev import LOCAL, ROOT
from app.cli.dev.process import Process
from app.cli.dev.services import Services
from bench import scan_data
from bench.report import Report, Target, at_least, at_most

BUNDLES = ROOT.parent / "shared" / "bundles"
REAL = {"sosreport-rabbitmq.tgz": at_least(3.0), "sosreport-sunbeam.tgz": None}  # 12,000 small members; 322
RUNS = 3
LANES = 4
MEMORY = 300_000_000  # bytes
GIB = 1024**3

METHOD = f"""
One private clamd, its cache of clean files off (DisableCache) for both sides, signatures as this machine
has them; the whole of what a job does between claim and verdict (read, SHA-256, gunzip, walk, scan over
{LANES} connections, member table, seek index) in a process of its own, against `clamdscan --stream` of
the same .tgz and `gunzip -c > /dev/null`; medians of {RUNS} interleaved runs (the largest once).
MB are of content. The peak is the resident memory of the scanning process.
"""


def run() -> Report:
    report = Report("scan", METHOD)
    raw: dict[str, Any] = {}
    LOCAL.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=LOCAL, prefix="bench-scan-") as place, _clamd(Path(place)) as clamd:
        for name, target in REAL.items():
            raw[name] = _compare(report, clamd, BUNDLES / name, name, target)
        generated = Path(place) / "mixed.tgz"
        scan_data.mixed(generated, GIB)
        raw["1 GiB"] = _compare(report, clamd, generated, "1 GiB of mixed members", at_least(3.5))
        generated.unlink()
        raw["5 GiB"] = _alone(
            report, clamd, generated, "5 GiB", lambda: scan_data.mixed(generated, 5 * GIB, largest=2 * GIB)
        )
        raw["1,000,000"] = _alone(
            report, clamd, generated, "1,000,000 members", lambda: scan_data.many(generated, 1_000_000)
        )
    report.raw = raw
    return report


def _compare(report: Report, clamd: "_Clamd", bundle: Path, name: str, target: Target | None) -> list[Any]:
    runs: list[dict[str, Any]] = []
    for _ in range(RUNS):
        ours = _scan(bundle, clamd.address)
        theirs = _timed(["clamdscan", "--stream", "--no-summary", f"--config-file={clamd.conf}", str(bundle)])
        gunzip = _timed(["gunzip", "-c", str(bundle)])
        runs.append({"ours": ours, "clamdscan": theirs, "gunzip": gunzip})
    size = runs[0]["ours"]["expanded"]
    report.add(f"{name}: members", runs[0]["ours"]["members"])
    report.add(f"{name}: scan", size / median(each["ours"]["seconds"] for each in runs) / 1e6, "MB/s")
    against = median(each["clamdscan"] / each["ours"]["seconds"] for each in runs)
    report.add(f"{name}: to clamdscan --stream", against, "x", target)
    report.add(
        f"{name}: to gunzip alone", median(each["gunzip"] / each["ours"]["seconds"] for each in runs), "x"
    )
    report.add(f"{name}: peak memory", max(each["ours"]["rss"] for each in runs) / 1e6, "MB", at_most(300))
    return runs


def _alone(
    report: Report, clamd: "_Clamd", bundle: Path, name: str, make: Callable[[], None]
) -> dict[str, Any]:
    make()
    ours = _scan(bundle, clamd.address)
    bundle.unlink()
    report.add(f"{name}: scan", ours["expanded"] / ours["seconds"] / 1e6, "MB/s")
    report.add(f"{name}: members per second", ours["members"] / ours["seconds"])
    report.add(f"{name}: peak memory", ours["rss"] / 1e6, "MB", at_most(MEMORY / 1e6))
    return ours


def _scan(bundle: Path, address: str) -> dict[str, Any]:
    """Scan it in a process of its own. Raises RuntimeError when it is not clean."""
    command = [sys.executable, "-m", "bench.scanner", str(bundle), address, str(LANES)]
    said: dict[str, Any] = json.loads(
        subprocess.run(command, capture_output=True, check=True, cwd=ROOT).stdout
    )
    if said["verdict"] != "clean":
        raise RuntimeError(f"{bundle.name} is {said['verdict']}: {said['reason']}")
    return said


def _timed(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


class _Clamd:
    def __init__(self, services: Services, directory: Path) -> None:
        self.address = services.clamd_address
        self.conf = directory / "clamav" / "clamd.conf"


@contextmanager
def _clamd(directory: Path) -> Iterator[_Clamd]:
    """Run clamd without the cache that would make every second scan of a bundle a lookup."""
    services = Services(directory / "services", names=("clamd",))
    clamd = _Clamd(services, directory / "services")
    _without_cache(services["clamd"], clamd.conf)
    with services:
        yield clamd


def _without_cache(process: Process, conf: Path) -> None:
    prepare = process.prepare

    def prepare_and_append() -> None:
        prepare()
        with conf.open("a") as file:
            file.write("DisableCache yes\n")

    process.prepare = prepare_and_append
