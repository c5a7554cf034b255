"""The programs that the product is compared to, in processes of their own on loopback ports."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from app.cli.dev import ROOT
from app.cli.dev.ports import free_port
from bench.client import Door, send
from bench.meter import Meter
from bench.stack import Stack

CORES = os.cpu_count() or 1
_PATIENCE = 30.0  # seconds until one works
_KEPT_BYTES = 1024**2  # what is smaller may be a program's own


@dataclass(frozen=True, slots=True)
class Rival:
    """Takes uploads at ``urls`` through ``door``; ``kept`` is where they lie, to be thrown away."""

    name: str
    urls: tuple[str, ...]
    door: Door
    meters: tuple[Meter, ...]
    kept: Path
    token: str = ""
    one_by_one: bool = False  # each URL serves one connection at a time

    def cpu(self) -> float:
        """Return the processor seconds used so far."""
        return sum(meter.cpu() for meter in self.meters)

    def clear(self) -> None:
        """Throw away what it has received."""
        for path in self.kept.rglob("*"):
            with suppress(FileNotFoundError):
                if path.is_file() and path.stat().st_size >= _KEPT_BYTES:
                    path.unlink()


def product_doors(product: Stack, storage: Path) -> list[Rival]:
    """Return the doors of the running product."""
    meters, token = (Meter(product.application["web"].pid),), product.secret("acme")

    def door(name: str, path: str, door: Door) -> Rival:
        return Rival(name, (product.url + path,), door, meters, storage / "sealed", token)

    return [
        door("PUT", "/upload/b.tgz", "put"),
        door("tus", "/tus", "tus"),
        door("form", "/upload", "multipart"),
    ]


@contextmanager
def loops(files: Path) -> Iterator[Rival]:
    """Give a bare loop per core (`bench.limit`): recv, SHA-256, write, one connection at a time."""
    with ExitStack() as open_now:
        command = [sys.executable, "-m", "bench.limit", str(files), "0"]
        started = [open_now.enter_context(_started(command)) for _ in range(CORES)]
        ports = [_told(process) for process in started]
        urls = tuple(f"http://127.0.0.1:{port}/bench.tgz" for port in ports)
        meters = tuple(Meter(process.pid) for process in started)
        yield Rival("loop", urls, "put", meters, files / "loop", one_by_one=True)


@contextmanager
def express(files: Path) -> Iterator[Rival]:
    """Give Express with express-fileupload, one process, as it is usually run."""
    with _node(files, "express") as (port, meter, kept):
        url = f"http://127.0.0.1:{port}/upload"
        yield Rival("Express + express-fileupload", (url,), "multipart", (meter,), kept)


@contextmanager
def tus_server(files: Path) -> Iterator[Rival]:
    """Give @tus/server on files, one process. It computes no digest."""
    with _node(files, "tus") as (port, meter, kept):
        yield Rival("@tus/server (no hash)", (f"http://127.0.0.1:{port}/tus",), "tus", (meter,), kept)


@contextmanager
def copyparty(files: Path) -> Iterator[Rival]:
    """Give copyparty with a process per core, computing SHA-256 as the product does."""
    kept = files / "copyparty"
    (kept / "home").mkdir(parents=True)
    port = free_port()
    options = ["-q", "-i", "127.0.0.1", "-p", str(port), "-j", str(CORES), "--put-ck", "sha256"]
    options += ["--no-thumb", "--wram", "-v", f"{kept}::rw"]
    home = {"HOME": str(kept / "home"), "XDG_CONFIG_HOME": str(kept / "home"), "TMPDIR": str(kept / "home")}
    with _started([sys.executable, "-m", "copyparty", *options], environment=os.environ | home) as process:
        url = f"http://127.0.0.1:{port}/bench.tgz"
        _wait(lambda: _takes(url), process)
        yield Rival("copyparty (SHA-256)", (url,), "put", (Meter(process.pid),), kept)


@contextmanager
def _node(files: Path, name: str) -> Iterator[tuple[int, Meter, Path]]:
    kept = files / name
    kept.mkdir()
    program = ROOT / "bench" / "peers" / f"{name}.mjs"
    with _started(["node", str(program), str(kept)]) as process:
        yield _told(process), Meter(process.pid), kept


@contextmanager
def _started(
    command: list[str], *, environment: dict[str, str] | None = None
) -> Iterator["subprocess.Popen[str]"]:
    """Run a program in a session of its own, which ends with the block."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _told(process: "subprocess.Popen[str]") -> int:
    """Return the port that a program prints first."""
    if process.stdout is None:
        raise AssertionError
    return int(process.stdout.readline())


def _takes(url: str) -> bool:
    """Say whether a small file is taken: who listens may not be ready yet."""
    try:
        return send(url, _KEPT_BYTES, "put", {}).status in {200, 201}
    except (OSError, IndexError):
        return False


def _wait(ready: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    give_up = time.monotonic() + _PATIENCE
    while not ready():
        if process.poll() is not None or time.monotonic() > give_up:
            raise RuntimeError(f"{process.args!r} does not work")
        time.sleep(0.05)
