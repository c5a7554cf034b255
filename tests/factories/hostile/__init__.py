"""Hostile archives, generated: each one as data, with what must come of it."""

from tests.factories.hostile import bombs, containers, damage, extended, gzips, headers, nesting
from tests.factories.hostile.case import Case

CATEGORIES: dict[str, tuple[Case, ...]] = {
    "nesting": nesting.CASES,
    "gzip": gzips.CASES,
    "headers": headers.CASES,
    "extended": extended.CASES,
    "containers": containers.CASES,
    "damage": damage.CASES,
    "bombs": bombs.CASES,
}
CORPUS = tuple(case for cases in CATEGORIES.values() for case in cases)
