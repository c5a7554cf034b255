"""Somebody who opens pages while others send."""

import threading
import time
from http.client import HTTPConnection
from urllib.parse import urlsplit

from bench.stack import Stack

PAGE_EVERY = 0.02  # seconds


class Pages:
    """An engineer who opens /files, one after the other over one connection, until told to stop."""

    def __init__(self, product: Stack) -> None:
        parts = urlsplit(product.url)
        self._connection = HTTPConnection(parts.hostname or "", parts.port, timeout=120)
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


def idle(product: Stack, seconds: float = 2.0) -> list[float]:
    """Return the milliseconds per page while nobody sends."""
    pages = Pages(product)
    time.sleep(seconds)
    return pages.stop()
