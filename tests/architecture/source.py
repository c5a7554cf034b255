"""The files of the repository, for tests that read them."""

import ast
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from app.cli.dev import ROOT

_NOT_OURS = {
    ".git",
    ".venv",
    ".venv-infra",
    ".terraform",
    ".local",
    "node_modules",
    "vendor",
    "__pycache__",
    "results",
}
_CACHES = (".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis")


@cache
def files(*suffixes: str, below: str = "") -> tuple[Path, ...]:
    """Return the files of ours with one of ``suffixes`` (all without), relative to the repository."""
    return tuple(
        sorted(
            path.relative_to(ROOT) for path in _walk(ROOT / below) if not suffixes or path.suffix in suffixes
        )
    )


def _walk(top: Path) -> Iterator[Path]:
    for directory, below, names in os.walk(top):
        below[:] = [name for name in below if name not in _NOT_OURS and name not in _CACHES]
        yield from (Path(directory, name) for name in names)


def text(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(text(path), str(path))


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Yield (called name as written, call)."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node
