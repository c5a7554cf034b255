"""32 senders at once, 100 MB each, while somebody opens pages."""

import os
import shutil
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPConnection
from multiprocessing import get_context
from pathlib import Path
from urllib.parse import urlsplit

from bench.client import send
from bench.meter import Meter
from bench.peer import peer
from bench.report import Report, at_most, percentile
from bench.stack import Stack, stack
from bench.upload import MEMORY

SENDERS, SIZE = 32, 100 * 10**6  # bytes
CORES = os.cpu_count() or 1
ROUNDS = 3
PAGE_EVERY = 0.02  # seconds
WAIT = at_most(150.0)  # ms

METHOD = f"""
{SENDERS} connections, each a PUT of 100 MB, sent by one process per core from the same machine, onto tmpfs;
meanwhile an engineer opens /files every 20 ms over one connection. Beside it: one bare loop (recv,
SHA-256, write) per core, each serving its share one after the other. copyparty and Express, to which
PERFORMANCE.md compares, are not installed here and were not run.
"""


def run() -> Report:
    report = Report("senders", METHOD)
    rates: dict[str, list[float]] = {"loops": [], "product": []}
    waits: list[float] = []
    with ExitStack() as open_now:
        files = Path(tempfile.mkdtemp(prefix="diagport-bench-", dir=MEMORY))
        open_now.callback(shutil.rmtree, files, ignore_errors=True)
        product = open_now.enter_context(
            stack(
                services=("postgres", "redis"),
                processes=("web",),
                settings={"DIAGPORT_STORAGE_ROOT": str(files / "storage")},
            )
        )
        loops = [open_now.enter_context(peer("bench.limit", files, "0")) for _ in range(CORES)]
        pool = open_now.enter_context(ProcessPoolExecutor(CORES, mp_context=get_context("spawn")))
        meter = Meter(product.application["web"].pid)
        idle = _Pages(product)
        time.sleep(2)
        calm = idle.stop()
        for _ in range(ROUNDS + 1):
            rates["loops"].append(_together(pool, [loop.url for loop in loops], "", 1))
            pages = _Pages(product)
            url = f"{product.url}/upload/bench.tgz"
            rates["product"].append(_together(pool, [url] * CORES, product.secret("acme"), SENDERS // CORES))
            waits += pages.stop()
            shutil.rmtree(files / "storage" / "sealed", ignore_errors=True)
            (files / "storage" / "sealed").mkdir(mode=0o700)
        rss = meter.peak_rss()
    report.add(f"{CORES} bare loops", percentile(rates["loops"][1:], 0.5), "MB/s")
    report.add(f"{SENDERS} senders", percentile(rates["product"][1:], 0.5), "MB/s")
    ratios = [mine / its for mine, its in zip(rates["product"][1:], rates["loops"][1:], strict=True)]
    report.add("    senders / loops", percentile(ratios, 0.5), "x")
    report.add("page, nobody sends: p95", percentile(calm, 0.95), "ms")
    report.add(f"page, {SENDERS} send: p50", percentile(waits, 0.5), "ms")
    report.add(f"page, {SENDERS} send: p95", percentile(waits, 0.95), "ms")
    report.add(f"page, {SENDERS} send: worst of {len(waits)}", max(waits), "ms", WAIT)
    report.add("peak RSS of a web process", rss / 1e6, "MB", at_most(100 + SENDERS * 1.05))
    report.raw = {"rates": rates, "waits_ms": waits}
    return report


def _together(pool: ProcessPoolExecutor, urls: list[str], token: str, at_once: int) -> float:
    """Send SENDERS files from one process per URL; return MB/s over all."""
    each = SENDERS // len(urls)
    start = time.perf_counter()
    done = [pool.submit(_send_many, url, token, each, at_once) for url in urls]
    for one in done:
        one.result()
    return SENDERS * SIZE / 1e6 / (time.perf_counter() - start)


def _send_many(url: str, token: str, number: int, at_once: int) -> None:
    credentials = {"Authorization": f"Bearer {token}"} if token else {}
    with ThreadPoolExecutor(at_once) as threads:
        for answer in threads.map(lambda _: send(url, SIZE, "put", credentials), range(number)):
            if answer.status not in {200, 201}:
                raise RuntimeError(f"{answer.status}: {answer.body[:200]!r}")


class _Pages:
    """Somebody who opens pages, one after the other, until told to stop."""

    def __init__(self, product: Stack) -> None:
        parts = urlsplit(product.url)
        self._connection = HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        self._headers = product.token("engineer") | {"Accept": "text/html"}
        self._waits: list[float] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._open)
        self._thread.start()

    def _open(self) -> None:
        while not self._stopped.wait(PAGE_EVERY):
            start = time.perf_counter()
            self._connection.request("GET", "/files", headers=self._headers)
            self._connection.getresponse().read()
            self._waits.append((time.perf_counter() - start) * 1000)

    def stop(self) -> list[float]:
        """Return the milliseconds that each page took."""
        self._stopped.set()
        self._thread.join()
        self._connection.close()
        return self._waits
