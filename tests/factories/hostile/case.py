"""A hostile archive as data: how it is built, and what must come of it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from app.bundle.budget import Budget
from app.domain.verdict import Obstacle, Verdict
from tests.factories.eicar import eicar
from tests.factories.hostile.raw import entry

EICAR = eicar()
GOOD = entry(b"good", b"fine\n")
BAD = entry(b"bad", EICAR)
MIB = 1024**2

DEFAULT = Budget()

Build = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Case:
    """``findings`` are the members to be named, sorted; ``obstacles`` those allowed if UNSCANNABLE.

    ``seconds`` and ``growth`` (bytes of memory beyond the archive itself) are what the verdict
    may cost at most, generously: a machine may be busy.
    """

    name: str
    build: Build
    verdicts: frozenset[Verdict]
    findings: tuple[str, ...] = ()
    obstacles: frozenset[Obstacle] = frozenset()
    budget: Budget = DEFAULT
    seconds: float = 20.0
    growth: int = 64 * MIB


def infected(name: str, build: Build, *findings: str) -> Case:
    return Case(name, build, frozenset({Verdict.INFECTED}), findings)


def unscannable(name: str, build: Build, *obstacles: Obstacle, budget: Budget | None = None) -> Case:
    verdicts = frozenset({Verdict.UNSCANNABLE})
    return Case(name, build, verdicts, obstacles=frozenset(obstacles), budget=budget or DEFAULT)


def never_clean(name: str, build: Build, *obstacles: Obstacle) -> Case:
    """Either verdict is right: which one is the engine's to say."""
    verdicts = frozenset({Verdict.INFECTED, Verdict.UNSCANNABLE})
    return Case(name, build, verdicts, obstacles=frozenset(obstacles))


def clean(name: str, build: Build) -> Case:
    return Case(name, build, frozenset({Verdict.CLEAN}))


def of(data: bytes) -> Build:
    """Return a build that gives these bytes, for archives too small to be built late."""
    return partial(bytes, data)
