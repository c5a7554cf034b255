"""Programs of the benchmark in processes of their own, so that nobody waits for another's GIL."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.cli.dev import ROOT


class Peer:
    """A bare server on a loopback port that prints one line of JSON after each request."""

    def __init__(self, module: str, *arguments: str | Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        self.url = f"http://127.0.0.1:{int(self._line())}/upload/bench.tgz"

    def result(self) -> dict[str, Any]:
        """Return what it says of the oldest request that was not asked about yet."""
        said: dict[str, Any] = json.loads(self._line())
        return said

    def _line(self) -> str:
        if self._process.stdout is None:
            raise AssertionError
        return self._process.stdout.readline()

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def peer(module: str, *arguments: str | Path) -> Iterator[Peer]:
    """Give a `Peer` that is gone afterwards."""
    running = Peer(module, *arguments)
    try:
        yield running
    finally:
        running.stop()


def send(url: str, size: int, door: str, token: str = "", *, digest: bool = False) -> dict[str, Any]:
    """Run `bench.client`; return what it says, with ``digest`` the SHA-256 of what it sent too.

    Raises:
        RuntimeError: the server did not take the file.
    """
    command = [sys.executable, "-m", "bench.client", url, str(size), "--door", door]
    done = subprocess.run(
        [*command, *(["--token", token] if token else []), *(["--digest"] if digest else [])],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    said: dict[str, Any] = json.loads(done.stdout)
    if said["status"] not in {200, 201}:
        raise RuntimeError(f"{said['status']} to {door} {url}")
    return said
