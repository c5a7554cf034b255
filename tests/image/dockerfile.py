"""The Dockerfile and .dockerignore, as far as they can be followed without Docker."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from app.cli.dev import ROOT

TEXT = (ROOT / "Dockerfile").read_text()


def stages() -> dict[str, list[str]]:
    """Return the instructions of each stage by its name; the nameless last one is ''."""
    lines = [line for line in TEXT.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
    found: dict[str, list[str]] = {}
    name = "before"
    for line in lines:
        if line.startswith("FROM "):
            name = line.partition(" AS ")[2]
        found.setdefault(name, []).append(re.sub(r"\s+", " ", line))
    return found


def copies(stage: str) -> list[tuple[list[str], str]]:
    """Return what the stage copies out of the context: sources, and where to."""
    words = [line.split()[1:] for line in stages()[stage] if line.startswith("COPY ")]
    ours = [line for line in words if not line[0].startswith("--from")]
    return [([word for word in line[:-1] if not word.startswith("--")], line[-1]) for line in ours]


def in_context(path: str) -> bool:
    """Whether .dockerignore lets ``path`` in: the last line that fits it, or a directory above, decides."""
    kept = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line and not line.startswith("#"):
            pattern = line.removeprefix("!")
            above = [path, *map(str, Path(path).parents)][:-1]
            if any(_fits(each, pattern) for each in above):
                kept = line.startswith("!")
    return kept


def _fits(path: str, pattern: str) -> bool:
    """Follow Docker's rules: a star stays in its directory, and two of them are any number of directories."""
    wildcards = {"**/": "(.*/)?", "*": "[^/]*", "?": "[^/]", ".": re.escape(".")}
    expression = re.sub(r"\*\*/|[*?.]", lambda found: wildcards[found[0]], pattern)
    return re.fullmatch(expression, path) is not None


def build_program(target: Path) -> None:
    """Do what the stage `program` does, with this machine's Python and installed front-end files."""

    def ignored(directory: str, names: list[str]) -> set[str]:
        place = Path(directory).relative_to(ROOT)
        return {name for name in names if not in_context(str(place / name))}

    for sources, to in copies("program"):
        for source in sources:
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, target / to, ignore=ignored)
            else:
                place = target / to / source if to.endswith("/") else target / to
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, place)
    shutil.copytree(ROOT / "static" / "vendor", target / "static" / "vendor")
    options = ["-q", "-j", "0", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([sys.executable, "-m", "compileall", *options, target], check=True)
