"""Receiving 1 GiB over one connection by PUT, tus and form, beside the bare loop."""

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.request import Request, urlopen

from bench.client import TUS_PATCH_BYTES
from bench.meter import Meter
from bench.peer import Peer, peer, send
from bench.report import Report, at_least, at_most
from bench.stack import Stack, scratch, stack

SIZE = 1024**3  # bytes
ROUNDS = {"memory": 5, "disk": 3}
MEMORY = Path("/dev/shm")  # noqa: S108  # tmpfs: forcing data out costs nothing there
DOORS = {"put": "/upload/bench.tgz", "tus": "/tus", "multipart": "/upload"}
RATE = {"put": at_least(0.95), "tus": at_least(0.85), "multipart": at_least(0.80)}
RSS = at_most(101.0)  # MB: 100 and one buffer

METHOD = """
1 GiB over one loopback connection, web as `make run` starts it, PostgreSQL with fsync. The loop is one
Python thread: recv_into 1 MiB, SHA-256, write. Everybody in turn, several rounds; the ratios are medians
of the rounds' ratios, the rates medians. Timed at the same client from connect to the whole answer.
"memory": files on tmpfs, where fsync is free: the programs alone. "disk": the answer waits for the disk on
both sides: the loop syncs at the end as PUT and form do, and after every 64 MiB as tus does. CPU is user
and system seconds of gunicorn and its workers per GB; PostgreSQL and the client are not in it.
"""


@dataclass(frozen=True, slots=True)
class Try:
    """One GiB received."""

    seconds: float
    cpu: float  # seconds

    @property
    def rate(self) -> float:
        """MB per second."""
        return SIZE / 1e6 / self.seconds

    @property
    def cpu_per_gb(self) -> float:
        return self.cpu / (SIZE / 1e9)


Tries = dict[str, list[Try]]


def run() -> Report:
    report = Report("upload", METHOD)
    raw = {}
    for medium, rounds in ROUNDS.items():
        tries, rss = _measure(medium, rounds)
        (_memory if medium == "memory" else _disk)(report, tries)
        raw[medium] = {name: [[one.rate, one.cpu_per_gb] for one in each] for name, each in tries.items()}
        report.add(f"{medium}: peak RSS of a web process", rss / 1e6, "MB", RSS)
    report.raw = raw
    return report


def _measure(medium: str, rounds: int) -> tuple[Tries, int]:
    """Return the tries by name, and the peak RSS in bytes."""
    tries: Tries = defaultdict(list)
    syncs = {"loop": 0} if medium == "memory" else {"loop": SIZE, "loop64": TUS_PATCH_BYTES}
    with ExitStack() as open_now:
        files = open_now.enter_context(_place(medium))
        product = open_now.enter_context(
            stack(
                services=("postgres", "redis"),
                processes=("web",),
                settings={"DIAGPORT_STORAGE_ROOT": str(files / "storage")},
            )
        )
        loops = {
            name: open_now.enter_context(peer("bench.limit", files, str(every)))
            for name, every in syncs.items()
        }
        meter = Meter(product.application["web"].pid)
        for number in range(rounds + 1):
            for name, loop in loops.items():
                tries[name].append(_loop(loop))
            for door in DOORS:
                tries[door].append(_product(product, door, meter))
            print(f"  {medium}: round {number} of {rounds}", flush=True)
        return {name: each[1:] for name, each in tries.items()}, meter.peak_rss()  # the first warms up


@contextmanager
def _place(medium: str) -> Iterator[Path]:
    if medium == "disk":
        with scratch() as directory:
            yield directory
        return
    directory = Path(tempfile.mkdtemp(prefix="diagport-bench-", dir=MEMORY))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _loop(loop: Peer) -> Try:
    seconds = send(loop.url, SIZE, "put")["seconds"]
    return Try(seconds, loop.result()["cpu"])


def _product(product: Stack, door: str, meter: Meter) -> Try:
    before = meter.cpu()
    said = send(product.url + DOORS[door], SIZE, door, product.secret("acme"))
    done = Try(said["seconds"], meter.cpu() - before)
    request = Request(  # noqa: S310
        f"{product.url}/api/v1/uploads/{said['id']}", method="DELETE", headers=product.token("admin")
    )
    with urlopen(request, timeout=60):  # noqa: S310  # so that the disk does not fill
        return done


def _memory(report: Report, tries: Tries) -> None:
    report.add("memory: the loop", _rate(tries["loop"]), "MB/s")
    for door in DOORS:
        report.add(f"memory: {door}", _rate(tries[door]), "MB/s")
        report.add(f"    {door} / loop", _ratio(tries, door, "loop"), "x", RATE[door])
    report.add("CPU: the loop", median(one.cpu_per_gb for one in tries["loop"]), "s/GB")
    for door in DOORS:
        report.add(f"CPU: {door}", median(one.cpu_per_gb for one in tries[door]), "s/GB")
    pairs = zip(tries["put"], tries["loop"], strict=True)
    report.add("    put / loop", median(put.cpu / loop.cpu for put, loop in pairs), "x", at_most(1.1))


def _disk(report: Report, tries: Tries) -> None:
    report.add("disk: the loop, fsync at the end", _rate(tries["loop"]), "MB/s")
    report.add("disk: the loop, fsync every 64 MiB", _rate(tries["loop64"]), "MB/s")
    for door, loop in (("put", "loop"), ("tus", "loop64"), ("multipart", "loop")):
        report.add(f"disk: {door}", _rate(tries[door]), "MB/s")
        report.add(f"    {door} / its loop", _ratio(tries, door, loop), "x", RATE[door])


def _rate(tries: list[Try]) -> float:
    return median(one.rate for one in tries)


def _ratio(tries: Tries, door: str, loop: str) -> float:
    return median(mine.rate / its.rate for mine, its in zip(tries[door], tries[loop], strict=True))
