"""Our own client, run as people run it: a program in a process of its own."""

import io
import os
import random
import subprocess
import sys
import tarfile
from pathlib import Path

from app.cli.dev import ROOT
from tests.live import Live

SOURCE = ROOT / "static" / "client" / "diagport.py"
SECONDS = 100


class Client:
    """diagport.py with a home of its own. ``constants`` are lines of its source to be put differently."""

    def __init__(self, live: Live, home: Path, who: str = "acme", **constants: str) -> None:
        home.mkdir(exist_ok=True)
        lines = SOURCE.read_text().splitlines(keepends=True)
        for name, value in constants.items():
            [at] = [number for number, line in enumerate(lines) if line.startswith(f"{name} =")]
            lines[at] = f"{name} = {value}\n"
        self.program = home / "diagport.py"
        self.program.write_text("".join(lines))
        self.notes = home / "state" / "diagport"
        self.python = sys.executable
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "XDG_STATE_HOME": str(home / "state"),
            "DIAGPORT_URL": live.url,
            "DIAGPORT_TOKEN": live.accounts[who]["token"],
        }

    def start(self, *arguments: str | Path, **environment: str) -> "subprocess.Popen[str]":
        """Start it; empty variables are taken away."""
        chosen = {**self.environment, **environment}
        return subprocess.Popen(
            [self.python, self.program, *arguments],
            env={name: value for name, value in chosen.items() if value},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str | Path, **environment: str) -> "Outcome":
        """Run it to its end."""
        return Outcome(self.start(*arguments, **environment))


class Outcome:
    """What a client that has ended said: ``code``, ``told`` (what it printed, by name), ``errors``."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        try:
            output, self.errors = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            output, self.errors = process.communicate()
        self.code = process.returncode
        self.told = dict(line.split(maxsplit=1) for line in output.splitlines())


def stored_tgz(path: Path, size: int, seed: int = 1) -> Path:
    """Write a bundle of a bit more than ``size`` bytes that nothing compresses; quickly."""
    piece = random.Random(seed).randbytes(2**20)
    with tarfile.open(path, "w:gz", compresslevel=0) as tar:
        for number in range(size >> 20):
            content = number.to_bytes(4, "big") + piece[4:]
            info = tarfile.TarInfo(f"bundle/noise-{number}.bin")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path
