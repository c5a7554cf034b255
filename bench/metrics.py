"""`/metrics` at a million uploads: a scrape looks at totals, not at rows."""

import time

import psycopg
import requests

from bench.files_data import fill
from bench.report import Report, at_most, percentile
from bench.stack import Stack, stack

ROWS = 1_000_000
SCRAPES = 30
TARGET_MS = 100.0

METHOD = f"""
{ROWS:,} uploads as for the part "files", and a mark for each as its trigger would write it. Each figure:
{SCRAPES} scrapes over one keep-alive connection, timed at the client, once with every mark added up by the
scheduler, once with 1,000 that are not (a minute's, at 16 changes a second).
"""

_LOADED = "INSERT INTO counter_mark (name, label, amount) SELECT 'uploads', state, 1 FROM upload"
_MARKS = (
    "INSERT INTO counter_mark (name, label, amount)"
    " SELECT 'verdicts', 'clean', 1 FROM generate_series(1, 1000)"
)


def run(rows: int = ROWS) -> Report:
    """Measure in a fresh product."""
    report = Report("metrics", METHOD)
    with stack(services=("postgres", "redis"), processes=("web", "scheduler")) as product:
        product.application["scheduler"].stop()  # it begins when there is something to add up
        with product.connect() as connection:
            fill(connection, rows)
            connection.execute(_LOADED)
        _add_up(product, report)
        report.add("a scrape, all added up: p50", _scrape(product, 0.5), "ms")
        report.add("a scrape, all added up: p95", _scrape(product, 0.95), "ms", at_most(TARGET_MS))
        with product.connect() as connection:
            connection.execute(_MARKS)
        report.add("a scrape, 1,000 marks: p95", _scrape(product, 0.95), "ms", at_most(TARGET_MS))
    return report


def _add_up(product: Stack, report: Report) -> None:
    """Let the scheduler add up what the bulk load has marked."""
    with product.connect() as connection:
        marks = _count(connection)
        start = time.perf_counter()
        product.application["scheduler"].start()
        while _count(connection):
            time.sleep(0.5)
        report.add(f"adding up {marks:,} marks", time.perf_counter() - start, "s")
        product.application["scheduler"].stop()
        connection.execute("VACUUM ANALYZE counter, counter_mark")


def _count(connection: "psycopg.Connection[tuple[object, ...]]") -> int:
    row = connection.execute("SELECT count(*) FROM counter_mark").fetchone()
    return int(str(row[0])) if row else 0


def _scrape(product: Stack, share: float) -> float:
    taken = []
    with requests.Session() as session:
        for _ in range(SCRAPES + 1):
            start = time.perf_counter()
            session.get(f"{product.url}/metrics", timeout=60).raise_for_status()
            taken.append((time.perf_counter() - start) * 1000)
    return percentile(taken[1:], share)
