"""Large bundles in bounded memory, EICAR or none anywhere in them: T21, T25."""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.bundle.budget import Budget
from app.cli.dev import ROOT
from tests.factories.hostile.case import BAD, EICAR, GOOD, MIB
from tests.factories.hostile.large import ONE, packed
from tests.factories.hostile.raw import END, entry, gz, header, padded, tar

MIB_EACH, MEMBERS = 20, 15
EXPANDED = MIB_EACH * MEMBERS  # MiB: 300
MOST_MEMORY = 300 * MIB
pytestmark = pytest.mark.timeout(320)


def weigh(path: Path, scanner: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.hostile.weigh", str(path), scanner]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    assert said["peak"] < MOST_MEMORY
    assert said["cpu"] < 60  # seconds of this process; how long the wall clock ran is for `make bench`
    return said


def write(path: Path, pieces: Iterable[bytes]) -> Path:
    """Write a bundle, whose peak of memory is this process's and not the weighed one's."""
    with path.open("wb") as file:
        file.writelines(packed(pieces))
    return path


def files(infected: int | None) -> Iterator[bytes]:
    """Yield a tar of many files of which one, or none, begins as EICAR does."""
    for number in range(MEMBERS):
        if number == infected:
            yield BAD
        yield header(b"log-%d" % number, MIB_EACH * MIB)
        yield from [ONE] * MIB_EACH
    yield BAD if infected == MEMBERS else GOOD
    yield END


def one_file(start: bytes, behind: bytes) -> Iterator[bytes]:
    yield header(b"core", EXPANDED * MIB + len(start))
    yield start
    yield from [ONE] * EXPANDED
    yield padded(b"x" * (len(start) % 512))[len(start) % 512 :] if start else b""
    yield behind + END


def within(pieces: Iterable[bytes], levels: int) -> Iterator[bytes]:
    """Yield a tar that holds the pieces as a .tgz, so many times over."""
    inner = b"".join(packed(pieces))
    for _ in range(levels - 1):
        inner = gz(tar(entry(b"in.tgz", inner)), level=0)
    yield entry(b"in.tgz", inner)
    yield END


@pytest.mark.parametrize(
    ("name", "pieces", "verdict", "findings"),
    [
        ("harmless", lambda: files(None), "clean", []),
        ("first", lambda: files(0), "infected", ["bad"]),
        ("middle", lambda: files(MEMBERS // 2), "infected", ["bad"]),
        ("last", lambda: files(MEMBERS), "infected", ["bad"]),
        ("one file, harmless", lambda: one_file(b"", GOOD), "clean", []),
        ("one file, infected", lambda: one_file(EICAR, GOOD), "infected", ["core"]),
        ("behind one file", lambda: one_file(b"", BAD), "infected", ["bad"]),
        ("nested, harmless", lambda: within(files(None), 1), "clean", []),
        ("nested, last", lambda: within(files(MEMBERS), 1), "infected", ["in.tgz!/bad"]),
        (
            "nested thrice, last",
            lambda: within(files(MEMBERS), 3),
            "infected",
            ["in.tgz!/in.tgz!/in.tgz!/bad"],
        ),
    ],
)
def test_300_mib_with_eicar_anywhere(
    clamd_address: str, tmp_path: Path, name: str, pieces: Any, verdict: str, findings: list[str]
) -> None:
    """T25: and never CLEAN because it is large."""
    said = weigh(write(tmp_path / "bundle.tgz", pieces()), clamd_address)
    assert (said["verdict"], said["findings"]) == (verdict, findings), said
    assert said["bytes"][1] >= EXPANDED * MIB
    assert said["bytes"][0] == said["bytes"][1]
    assert said["members"][0] == said["members"][1]


def test_a_million_entries(tmp_path: Path) -> None:
    """T21, T22: as many as the budget allows go through in bounded memory."""
    count, run = Budget().members, 1000
    thousand = b"".join(entry(b"logs/%d" % number, b"%d\n" % number) for number in range(run))
    path = tmp_path / "bundle.tgz"
    path.write_bytes(b"".join(packed([*[thousand] * (count // run), END], thousand)))
    said = weigh(path, "fake")
    assert (said["verdict"], said["members"]) == ("clean", [count, count]), said
