"""Sending 1 GiB: whole, its second half, its last MiB, beside a bare sendfile loop."""

import os
import socket
import time
from statistics import median
from urllib.parse import urlsplit

from bench.peer import peer, send
from bench.report import Report, at_least, at_most, percentile
from bench.stack import Stack, stack

SIZE = 1024**3  # bytes
MIB = 1024**2
ROUNDS = 7
PARTS = {"whole": 0, "second half": SIZE // 2, "last MiB": SIZE - MIB}  # name: first byte

METHOD = """
A new connection each time (connecting is not timed), the file in the page cache. The bundle is sent by
PUT; then its row is set to clean by SQL, because scanning 1 GiB is not what is measured. The loop is one
Python thread that parses the Range and calls os.sendfile; it stands for nginx, which is not installed
here, and it neither knows people nor writes an audit row. Everybody in turn; ratios are medians of the
rounds' ratios. Seconds run from the request to the last byte.
"""

_CLEAN = b"""WITH done AS (UPDATE upload SET state = 'clean' WHERE id = %s RETURNING id, storage_version)
INSERT INTO scan (upload_id, verdict, storage_version, findings, members_total, members_scanned,
    bytes_expanded, bytes_scanned, engine, seconds)
SELECT id, 'clean', storage_version, '[]', 1, 1, 1, 1, 'bench', 1 FROM done RETURNING upload_id"""


def run() -> Report:
    report = Report("download", METHOD)
    with stack(services=("postgres", "redis"), processes=("web",)) as product:
        upload_id = send(f"{product.url}/upload/bench.tgz", SIZE, "put", product.secret("acme"))["id"]
        with product.connect() as connection:
            connection.execute(_CLEAN, (upload_id,))
        path = next(product.application.storage.glob(f"sealed/*/{upload_id}"))
        with peer("bench.sendfile", path) as loop:
            tries = _measure(product, f"{product.url}/download/{upload_id}", loop.url)
    for name, start in PARTS.items():
        mine, its = tries["product", name][1:], tries["loop", name][1:]
        if name == "last MiB":
            report.add(f"{name}: loop, p50", median(its) * 1000, "ms")
            report.add(f"{name}: p50", median(mine) * 1000, "ms")
            report.add("    p95", percentile(mine, 0.95) * 1000, "ms", at_most(5.0))
            continue
        megabytes = (SIZE - start) / 1e6
        report.add(f"{name}: loop", megabytes / median(its), "MB/s")
        report.add(f"{name}", megabytes / median(mine), "MB/s")
        ratios = [b / a for a, b in zip(mine, its, strict=True)]
        report.add(f"    {name} / loop", median(ratios), "x", at_least(1.0))
    report.raw = {f"{who} {name}": seconds for (who, name), seconds in tries.items()}
    return report


def _measure(product: Stack, url: str, loop: str) -> dict[tuple[str, str], list[float]]:
    """Return the seconds of every round by who and what; the first round warms up."""
    token = product.token("engineer")["Authorization"]
    tries: dict[tuple[str, str], list[float]] = {}
    for _ in range(ROUNDS + 1):
        for name, start in PARTS.items():
            for _ in range(5 if name == "last MiB" else 1):
                tries.setdefault(("loop", name), []).append(fetch(loop, start, token))
                tries.setdefault(("product", name), []).append(fetch(url, start, token))
    return tries


def fetch(url: str, start: int, token: str) -> float:
    """Receive from byte ``start`` on and throw it away; return seconds.

    Raises:
        RuntimeError: the answer was cut short, or is none.
    """
    parts = urlsplit(url)
    lines = [f"GET {parts.path} HTTP/1.1", f"Host: {parts.netloc}", f"Authorization: {token}"]
    lines += [f"Range: bytes={start}-"] if start else []
    buffer = memoryview(bytearray(4 * MIB))
    with socket.create_connection((parts.hostname or "", parts.port or 80)) as connection:
        begin = time.perf_counter()
        connection.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode())
        size = connection.recv_into(buffer)
        head, _, body = bytes(buffer[:size]).partition(b"\r\n\r\n")
        left = SIZE - start - len(body)
        while left and (size := connection.recv_into(buffer, min(left, len(buffer)))):
            left -= size
        taken = time.perf_counter() - begin
    if left or head.split()[1] not in {b"200", b"206"}:
        raise RuntimeError(f"{left} bytes missing: {os.fsdecode(head[:200])}")
    return taken
