"""A million uploads, ten thousand mails that are due: what pages and the scheduler's steps take."""

import http.client
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from app import bootstrap
from app.domain.errors import DependencyError
from app.jobs.schedule import SCHEDULE
from app.system import System
from bench.files_data import LARGE, fill
from bench.report import Report, at_most, percentile
from bench.stack import Stack, stack

ROWS, DUE, EXPIRED = 1_000_000, 10_000, 2_000
REQUESTS, RUNS = 30, 3
PAGE, STEP, SWEEP = at_most(30.0), at_most(2_000.0), at_most(30_000.0)  # milliseconds
#: These look at everything, by design: once in ten minutes.
EVERYTHING = ("remove_strays", "prove_storage", "recheck_stored", "add_up_counters")
#: The gate needs a scanner, and what prints prints.
LEFT_OUT = ("tend_gate", "print_metrics")

PAGES = (
    "/files",
    "/inbox",
    "/inbox?tab=mine",
    "/inbox?tab=watched",
    "/inbox?tab=assigned",
    f"/inbox?organisation={LARGE}",
    "/metrics",
)
METHOD = f"""
{ROWS:,} uploads of 200 organisations as in "files", of which the scheduler has to delete {EXPIRED:,};
{DUE:,} mails are due, and no worker takes them. Pages as an engineer, over one connection, {REQUESTS}
requests each after one to warm up. Steps of the scheduler by themselves, in this process, the slowest of
{RUNS} runs, on the product's PostgreSQL and Redis. The uploads have no bytes: what looks at the store finds
each one missing.
"""

_DUE = """
INSERT INTO delivery (id, event, upload_id, recipient, dedupe_key, next_at)
SELECT gen_random_uuid(), 'upload.clean', id, 'bench-' || n || '@example.com', md5(n::text) || md5(n::text),
    now() - interval '1 hour'
FROM (SELECT id, row_number() OVER () AS n FROM upload WHERE state = 'clean' LIMIT %s) AS few
"""
_EXPIRED = """
UPDATE upload SET expires_at = now() - interval '1 day', kept_until = now() - interval '1 day'
WHERE id IN (SELECT id FROM upload WHERE state = 'clean' ORDER BY created_at LIMIT %s)
"""


def run() -> Report:
    report = Report("backlog", METHOD)
    with stack(services=("postgres", "redis"), processes=("web",)) as product:
        with product.connect() as connection:
            fill(connection, ROWS)
            connection.execute(_DUE.encode(), (DUE,))
            connection.execute(_EXPIRED.encode(), (EXPIRED,))
            connection.execute(b"ANALYZE")
        print(f"  {ROWS:,} uploads, {DUE:,} mails due", flush=True)
        for path in PAGES:
            taken = _ask(product, path)
            report.add(f"{path}: p50", percentile(taken, 0.5), "ms")
            report.add("    p95", percentile(taken, 0.95), "ms", PAGE if path != "/metrics" else None)
        system = _system(product)
        for step in SCHEDULE:
            if step.name in LEFT_OUT:
                continue
            slowest = max(_once(system, step.step) for _ in range(RUNS))
            bound = SWEEP if step.name in EVERYTHING else STEP
            report.add(f"step {step.name}: slowest of {RUNS}", slowest, "ms", bound)
        system.database.engine.dispose()
    return report


def _ask(product: Stack, path: str) -> list[float]:
    """Return the milliseconds of each request."""
    parts = urlsplit(product.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    headers = product.token("engineer") | {"Accept": "text/html"}
    taken = []
    for _ in range(REQUESTS + 1):
        start = time.perf_counter()
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        response.read()
        taken.append((time.perf_counter() - start) * 1000)
        if response.status != http.HTTPStatus.OK:
            raise RuntimeError(f"{response.status} to {path}")
    connection.close()
    return taken[1:]


def _system(product: Stack) -> System:
    settings = product.application.settings()
    Path(settings.storage_root).mkdir(parents=True, exist_ok=True)
    return System(settings, bootstrap.adapters(settings), bootstrap.database(settings))


def _once(system: System, step: Callable[[System], object]) -> float:
    start = time.perf_counter()
    with suppress(DependencyError):  # a store that seems to be empty is not believed
        step(system)
    return (time.perf_counter() - start) * 1000
