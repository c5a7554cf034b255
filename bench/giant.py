"""5 GiB and a byte through each door: taken, whole, and in how much memory. T5."""

import json
from urllib.request import Request, urlopen

from bench.meter import Meter
from bench.peer import send
from bench.report import Report, at_most
from bench.stack import Stack, scratch, stack
from bench.upload import DOORS

SIZE = 5 * 1024**3 + 1  # bytes
RSS = at_most(150.0)  # MB per process

METHOD = f"""
{SIZE:,} bytes by PUT, tus (64 MiB chunks) and multipart form, onto the disk, one after the other; made while
they are sent (random, stored). Size and SHA-256 of the answer are compared with those of what was sent. The
memory is the most that any one web process ever had.
"""


def run() -> Report:
    report = Report("giant", METHOD)
    with scratch() as files:
        settings = {"DIAGPORT_STORAGE_ROOT": str(files / "storage")}
        with stack(services=("postgres", "redis"), processes=("web",), settings=settings) as product:
            meter = Meter(product.application["web"].pid)
            for door in DOORS:
                report.add(f"{door}: wrong sizes and digests", _one(product, door, report), "", at_most(0))
                report.add(f"{door}: peak RSS of a web process so far", meter.peak_rss() / 1e6, "MB", RSS)
    return report


def _one(product: Stack, door: str, report: Report) -> int:
    """Send one, look at it, delete it; return in how many ways it is not what was sent."""
    sent = send(product.url + DOORS[door], SIZE, door, product.secret("acme"), digest=True)
    report.add(f"{door}: {SIZE / 1e9:.2f} GB", SIZE / 1e6 / sent["seconds"], "MB/s")
    address = f"{product.url}/api/v1/uploads/{sent['id']}"
    with urlopen(Request(address, headers=product.token("acme")), timeout=60) as answer:  # noqa: S310
        kept = json.load(answer)
    with urlopen(Request(address, headers=product.token("admin"), method="DELETE"), timeout=60):  # noqa: S310
        return int(kept["size"] != SIZE) + int(kept["sha256"] != sent["sha256"])
