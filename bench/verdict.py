"""From the acknowledgement of a 5 MB bundle to its verdict, on an idle system."""

import json
import time
from http.client import HTTPConnection
from urllib.parse import urlsplit

from bench.payload import bundle
from bench.report import Report, at_most, percentile
from bench.stack import stack

BUNDLES, SIZE = 20, 5_000_000  # bytes
POLL = 0.02  # seconds
PATIENCE = 60.0  # seconds
TARGET = at_most(2.0)  # seconds

METHOD = f"""
The whole product: web, scan, deliver, scheduler, PostgreSQL, Redis, clamd, mail. {BUNDLES} bundles of 5 MB
(150 members, a third random, the rest text), one after the other, by PUT; asked for the verdict
every {POLL * 1000:.0f} ms. clamd has the signatures that this machine has; with a full set it is slower.
"""


def run() -> Report:
    taken, engines = [], set()
    with stack() as product:
        token = product.token("acme")
        for number in range(BUNDLES + 1):
            seconds, engine = _one(product.url, token, bundle(SIZE))
            if number:  # the first warms up
                taken.append(seconds)
                engines.add(engine)
    report = Report("verdict", METHOD + f"Scanned by {', '.join(sorted(engines))}.")
    report.add("acknowledgement to verdict: p50", percentile(taken, 0.5), "s")
    report.add("acknowledgement to verdict: p95", percentile(taken, 0.95), "s", TARGET)
    report.add("acknowledgement to verdict: worst", max(taken), "s")
    report.raw = taken
    return report


def _one(url: str, token: dict[str, str], content: bytes) -> tuple[float, str]:
    """Send one bundle; return the seconds to its verdict, and by whom it was given.

    Raises:
        RuntimeError: it is not clean, or there was no verdict in time.
    """
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
    connection.request("PUT", "/upload/verdict.tgz", content, token)
    upload = json.load(connection.getresponse())
    start = time.perf_counter()
    while time.perf_counter() - start < PATIENCE:
        connection.request("GET", f"/api/v1/uploads/{upload['id']}", headers=token)
        response = connection.getresponse()
        document = json.load(response)
        if response.status == 200:
            if document["state"] != "clean":
                raise RuntimeError(f"The bundle became {document['state']}: {document['reason']}")
            scan = document["scan"]
            return (
                time.perf_counter() - start,
                f"{scan['engine']}, signatures {scan['signatures'] or 'EICAR only'}",
            )
        time.sleep(POLL)
    raise RuntimeError("There was no verdict.")
