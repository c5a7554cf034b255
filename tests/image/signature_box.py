"""`docker/clamav/signatures` with a place of its own and a freshclam that does what a test wants."""

import os
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.cli.dev import ROOT
from tests.factories.engines import daily

SCRIPTS = ROOT / "docker" / "clamav"

#: Notes that it was called, then does what lies in the file `behaviour`, with $datadir set.
FRESHCLAM = """#!/bin/sh
for word; do case $word in --datadir=*) datadir=${word#--datadir=} ;; esac; done
echo begin >>"$BOX/calls"
. "$BOX/behaviour"
echo end >>"$BOX/calls"
"""
FETCH = 'cp "$BOX"/mirror/*.cud "$datadir/"; echo polite >"$datadir/freshclam.dat"'
FAIL = 'echo wait-a-day >"$datadir/freshclam.dat"; exit 11'
HALF = 'cp "$BOX"/mirror/*.cud "$datadir/"; head -c 900 "$BOX/mirror/daily.cud" >"$datadir/daily.cud"'
STOP = 'head -c 900 "$BOX/mirror/daily.cud" >"$datadir/daily.cud"; cat "$BOX/fifo"'  # midway, until told


class Box:
    """``shell`` runs the script in place of what its first line names."""

    def __init__(self, directory: Path, shell: tuple[str, ...] = (), path: str = "") -> None:
        self.directory = directory
        self.database = directory / "database"
        self.sets = self.database / "sets"
        self.current = self.database / "current"
        self._shell = shell
        self.scratch = directory / "scratch"
        (directory / "mirror").mkdir(parents=True)
        self.scratch.mkdir()
        programs = directory / "programs"
        programs.mkdir()
        (programs / "freshclam").write_text(FRESHCLAM)
        (programs / "freshclam").chmod(0o755)
        os.mkfifo(directory / "fifo")
        self.environment = {
            "PATH": f"{programs}:{path or os.environ['PATH']}",
            "BOX": str(directory),
            "SIGNATURES": str(self.database),
            "TMPDIR": str(self.scratch),
            "FRESHCLAM_CONF": str(SCRIPTS / "freshclam.conf"),
            "DIAGPORT_DEPLOYMENT": "stage",
        }
        self.let(FETCH)

    def let(self, behaviour: str) -> None:
        """Say what freshclam does from now on."""
        (self.directory / "behaviour").write_text(behaviour + "\n")

    def publish(self, version: int, age: timedelta = timedelta(hours=1)) -> None:
        """Let the mirror have signatures of that version and age."""
        for name in ("main", "daily"):
            content = daily(version, datetime.now(UTC) - age)
            (self.directory / "mirror" / f"{name}.cud").write_bytes(content)

    def start(self, *arguments: str, **more: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [*self._shell, str(SCRIPTS / "signatures"), *arguments],
            env=self.environment | more,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, *arguments: str, **more: str) -> tuple[int, str]:
        """Return exit code and output."""
        process = self.start(*arguments, **more)
        said, _ = process.communicate(timeout=60)
        return process.returncode, said

    def calls(self) -> list[str]:
        log = self.directory / "calls"
        return log.read_text().split() if log.exists() else []

    def version(self) -> int | None:
        """Return the version that clamd reads; None where there is nothing whole."""
        files = [self.current / f"{name}.cud" for name in ("main", "daily")]
        if not all(file.exists() for file in files):
            return None
        heads = {int(file.read_bytes()[:512].split(b":")[2]) for file in files}
        assert len(heads) == 1, "the set is a mixture"
        return heads.pop()


def busybox(directory: Path) -> Mapping[str, str]:
    """Make a directory of BusyBox's own tools, the image's, and what this machine's does without."""
    directory.mkdir()
    listed = subprocess.run(["busybox", "--list"], capture_output=True, text=True, check=True).stdout
    programs = dict.fromkeys(listed.split(), "/bin/busybox")
    for name in ("flock", "clamscan"):
        programs[name] = subprocess.run(
            ["which", name], capture_output=True, text=True, check=True
        ).stdout.strip()
    for name, program in programs.items():
        (directory / name).symlink_to(program)
    return programs
