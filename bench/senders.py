"""1, 8 and 32 senders at once, to the product, the bare loop and the peers, in one run."""

import shutil
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median

from bench import rivals
from bench.client import Door, send
from bench.pages import Pages, idle
from bench.report import Report, Target, at_least, at_most, percentile
from bench.rivals import CORES, Rival
from bench.stack import stack
from bench.upload import MEMORY

SIZES = {1: 512 * 1024**2, 8: 100 * 10**6, 32: 50 * 10**6}  # senders: bytes of each
ROUNDS = 3
TARGETS: dict[tuple[int, str], Target] = {
    (32, "copyparty (SHA-256)"): at_least(1.2),
    (1, "Express + express-fileupload"): at_least(5.0),
    (32, "Express + express-fileupload"): at_least(8.0),
}

METHOD = f"""
{", ".join(f"{number} x {size / 1e6:.0f} MB" for number, size in SIZES.items())}: connections at once, from
one client process per core on the same machine, onto tmpfs (forcing data out costs nothing there), everybody
in turn, {ROUNDS} rounds after one to warm up; medians, ratios within a round. "loop" is a thread doing recv,
SHA-256 and write, one of them per core where several send, each serving its share one after the other. CPU is
user and system seconds of the server's processes per GB received; PostgreSQL and the clients are not in it.
The product and copyparty compute SHA-256, @tus/server and Express do not. The page is /files, opened every
20 ms while 32 send.
"""


@dataclass(frozen=True, slots=True)
class Try:
    """What one round of many senders gave."""

    rate: float  # MB/s, all together
    cpu: float  # seconds per GB


def run() -> Report:
    report = Report("senders", METHOD)
    tries: dict[tuple[int, str], list[Try]] = defaultdict(list)
    waits: list[float] = []
    with ExitStack() as open_now:
        files = Path(tempfile.mkdtemp(prefix="diagport-bench-", dir=MEMORY))
        open_now.callback(shutil.rmtree, files, ignore_errors=True)
        storage = files / "storage"
        settings = {"DIAGPORT_STORAGE_ROOT": str(storage)}
        product = open_now.enter_context(
            stack(services=("postgres", "redis"), processes=("web",), settings=settings)
        )
        peers = (rivals.loops, rivals.copyparty, rivals.tus_server, rivals.express)
        first, *others = [open_now.enter_context(start(files)) for start in peers]
        everybody = [first, *rivals.product_doors(product, storage), *others]
        pool = open_now.enter_context(ProcessPoolExecutor(CORES, mp_context=get_context("spawn")))
        calm = idle(product)
        for number, size in SIZES.items():
            for turn in range(ROUNDS + 1):
                for rival in everybody:
                    pages = Pages(product) if (number, rival.name) == (32, "PUT") else None
                    done = _together(pool, rival, number, size)
                    if pages:
                        waits += pages.stop()
                    if turn:
                        tries[number, rival.name].append(done)
            print(f"  {number} senders", flush=True)
        rss = everybody[1].meters[0].peak_rss()
    for number in SIZES:
        _compare(report, number, {name: each for (of, name), each in tries.items() if of == number})
    report.add("page, nobody sends: p95", percentile(calm, 0.95), "ms")
    report.add("page, 32 send: p50", percentile(waits, 0.5), "ms")
    report.add("page, 32 send: p95", percentile(waits, 0.95), "ms")
    report.add(f"page, 32 send: worst of {len(waits)}", max(waits), "ms", at_most(150.0))
    report.add("peak RSS of a web process", rss / 1e6, "MB", at_most(100 + 32 * 1.05))
    report.raw = {
        "tries": {
            f"{number} {name}": [[one.rate, one.cpu] for one in each]
            for (number, name), each in tries.items()
        },
        "waits_ms": waits,
    }
    return report


def _compare(report: Report, number: int, tries: dict[str, list[Try]]) -> None:
    put = tries["PUT"]
    for name, each in tries.items():
        ratio = median(mine.rate / its.rate for mine, its in zip(put, each, strict=True))
        report.add(f"{number} senders: {name}", median(one.rate for one in each), "MB/s")
        report.add("    CPU", median(one.cpu for one in each), "s/GB")
        if name != "PUT":
            report.add("    PUT is", ratio, "x", TARGETS.get((number, name)))


def _together(pool: ProcessPoolExecutor, rival: Rival, number: int, size: int) -> Try:
    """Let ``number`` senders send ``size`` bytes each."""
    clients = min(number, CORES)
    shares = [number // clients + (client < number % clients) for client in range(clients)]
    cpu, start = rival.cpu(), time.perf_counter()
    done = [
        pool.submit(
            _send_many, rival.urls[client % len(rival.urls)], size, rival.door, rival.token, share,
            1 if rival.one_by_one else share,
        )
        for client, share in enumerate(shares)
    ]  # fmt: skip
    for one in done:
        one.result()
    seconds = time.perf_counter() - start
    gigabytes = number * size / 1e9
    result = Try(gigabytes * 1000 / seconds, (rival.cpu() - cpu) / gigabytes)
    rival.clear()
    return result


def _send_many(url: str, size: int, door: Door, token: str, number: int, at_once: int) -> None:
    credentials = {"Authorization": f"Bearer {token}"} if token else {}
    with ThreadPoolExecutor(at_once) as threads:
        for answer in threads.map(lambda _: send(url, size, door, credentials), range(number)):
            if answer.status not in {200, 201, 204}:
                raise RuntimeError(f"{answer.status} from {url}: {answer.body[:200]!r}")
