"""200 slow senders, while somebody opens pages and a fast upload runs; then 2,000."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from app.cli.dev import ROOT
from bench.meter import Meter
from bench.pages import Pages, idle
from bench.peer import send
from bench.report import Report, at_least, at_most, percentile
from bench.stack import Stack, scratch, stack

RATE = 256 * 10**3  # bytes per second
SECONDS = 25  # of each slow sender
FAST = 256 * 1024**2  # bytes of the fast upload
TRIES = 3
FEW, MANY = 200, 2000
HEAD_START = 3.0  # seconds until all have begun
PAGES = 8.0  # seconds of looking at pages

METHOD = f"""
{FEW} senders at {RATE // 1000} kB/s each for {SECONDS} s, from one process, half of them of one organisation,
half of another; the web as `make run` starts it, on the disk. Meanwhile an engineer opens /files every 20 ms,
and a colleague of theirs sends {FAST / 1e6:.0f} MB as fast as it goes ({TRIES} times; alone before). Full
speed: the last byte was taken within 1.1 of the nominal time. Then {MANY:,} senders, more than threads.
"""


def run() -> Report:
    report = Report("slow", METHOD)
    with scratch() as files:
        settings = {"DIAGPORT_STORAGE_ROOT": str(files / "storage"), "DIAGPORT_MAX_OPEN_UPLOADS": "5000"}
        with stack(services=("postgres", "redis"), processes=("web",), settings=settings) as product:
            calm = idle(product, PAGES)
            alone = [_fast(product) for _ in range(TRIES)]
            _few(report, product, calm, alone)
            _many(report, product)
            rss = Meter(product.application["web"].pid).peak_rss()
    report.add("peak RSS of a web process", rss / 1e6, "MB")
    return report


def _few(report: Report, product: Stack, calm: list[float], alone: list[float]) -> None:
    with _crowd(product, FEW) as result:
        time.sleep(HEAD_START)
        crowded = idle(product, PAGES)
        pages = Pages(product)
        fast = [_fast(product) for _ in range(TRIES)]
        beside_fast = pages.stop()
        done = result()
    for what, waits in (("nobody sends", calm), (f"{FEW} slow", crowded)):
        report.add(f"page, {what}: p50", percentile(waits, 0.5), "ms")
        report.add(f"page, {what}: p95", percentile(waits, 0.95), "ms")
    slower = percentile(crowded, 0.95) / percentile(calm, 0.95)
    report.add(f"    p95, {FEW} slow / nobody", slower, "x", at_most(2.0))
    report.add(f"page, {FEW} slow and a fast one: p50", percentile(beside_fast, 0.5), "ms")
    report.add(f"page, {FEW} slow and a fast one: p95", percentile(beside_fast, 0.95), "ms")
    report.add("fast upload, alone", median(alone), "s")
    report.add(f"fast upload, {FEW} slow", median(fast), "s")
    report.add("    beside them / alone (T9)", median(fast) / median(alone), "x", at_most(2.0))
    report.add(f"of {FEW} at full speed", done["at_full_speed"], "", at_least(FEW))
    report.raw = {"calm": calm, "crowded": crowded, "alone": alone, "fast": fast, "few": done}


def _many(report: Report, product: Stack) -> None:
    with _crowd(product, MANY) as result:
        time.sleep(HEAD_START)
        waits = idle(product, PAGES)
        done = result()
    report.add(f"page, {MANY:,} slow: p50", percentile(waits, 0.5), "ms")
    report.add(f"page, {MANY:,} slow: p95", percentile(waits, 0.95), "ms")
    report.add(f"of {MANY:,} taken", done["taken"])
    report.add("    told when to come again", done["told_when"])
    left_alone = MANY - done["taken"] - done["told_when"]
    report.add("    neither", left_alone, "", at_most(0))
    report.raw = {**(report.raw if isinstance(report.raw, dict) else {}), "many": done, "many_waits": waits}


def _fast(product: Stack) -> float:
    """Return the seconds of one fast upload."""
    url = f"{product.url}/upload/fast.tgz"
    seconds = float(send(url, FAST, "put", product.secret("acme"))["seconds"])
    for path in Path(product.application.storage).glob("sealed/*/*"):
        if path.stat().st_size >= FAST:
            path.unlink()
    return seconds


@contextmanager
def _crowd(product: Stack, count: int) -> Iterator[Any]:
    """Let so many begin to send; give a function that waits for them and returns what came of it."""
    tokens = [product.secret(slug) for slug in ("acme", "globex")]
    command = [sys.executable, "-m", "bench.slow_client", f"{product.url}/upload/slow.tgz"]
    process = subprocess.Popen(
        [*command, str(count), str(RATE), str(SECONDS), *tokens], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )

    def result() -> Any:
        said, _ = process.communicate(timeout=SECONDS * 4 + 60)
        return json.loads(said)

    try:
        yield result
    finally:
        process.kill()
        process.communicate()
