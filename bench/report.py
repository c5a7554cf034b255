"""What a part of the benchmark found out: figures, targets, a table, a file."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from bench.machine import facts

RESULTS = Path(__file__).resolve().parent / "results"  # git-ignored


@dataclass(frozen=True, slots=True)
class Target:
    """A bound that a figure has to keep."""

    kind: Literal[">=", "<="]
    bound: float

    def met_by(self, value: float) -> bool:
        return value >= self.bound if self.kind == ">=" else value <= self.bound

    def __str__(self) -> str:
        return f"{self.kind} {self.bound:g}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number: what it is of, how much, of which unit, and what it should be."""

    what: str
    value: float
    unit: str = ""
    target: Target | None = None

    @property
    def verdict(self) -> str:
        if self.target is None:
            return ""
        return "PASS" if self.target.met_by(self.value) else "MISS"


@dataclass(slots=True)
class Report:
    """The outcome of one part. ``raw`` is kept in the file only."""

    part: str
    method: str  # what was measured and what was not, in plain words
    figures: list[Figure] = field(default_factory=list)
    raw: object = None

    def add(self, what: str, value: float, unit: str = "", target: Target | None = None) -> None:
        self.figures.append(Figure(what, value, unit, target))

    @property
    def missed(self) -> int:
        return sum(figure.verdict == "MISS" for figure in self.figures)

    def show(self) -> None:
        """Print the table."""
        print(f"\n== {self.part}\n{self.method.strip()}\n")
        rows = [
            (figure.what, _number(figure.value), figure.unit, str(figure.target or ""), figure.verdict)
            for figure in self.figures
        ]
        _print_table(rows)
        sys.stdout.flush()

    def save(self) -> Path:
        """Write ``results/<part>.json``; return its path."""
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{self.part}.json"
        figures = [asdict(figure) | {"verdict": figure.verdict or None} for figure in self.figures]
        document = {
            "part": self.part,
            "method": " ".join(self.method.split()),
            "machine": facts(),
            "figures": figures,
            "raw": self.raw,
        }
        path.write_text(json.dumps(document, indent=1) + "\n")
        return path


def at_least(bound: float) -> Target:
    return Target(">=", bound)


def at_most(bound: float) -> Target:
    return Target("<=", bound)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile, ``share`` of 0..1."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def _number(value: float) -> str:
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 20 else f"{value:.2f}"


def _print_table(rows: Sequence[tuple[str, str, str, str, str]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for row in rows:
        what, value, unit, target, verdict = (
            f"{cell:>{width}}" if column == 1 else f"{cell:<{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print(f"  {what}  {value} {unit}  {target}  {verdict}".rstrip())
