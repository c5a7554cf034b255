"""Where both pipelines are said, and how they are read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from app.cli.dev import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CIRCLECI = ROOT / ".circleci" / "config.yml"


def load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = YAML(typ="safe").load(path.read_text())
    return document


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield `workflow/job` and the job, of GitHub's."""
    for path in WORKFLOWS:
        for name, job in load(path)["jobs"].items():
            yield f"{path.stem}/{name}", job
