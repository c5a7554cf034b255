"""One part of the portal on the health page, and what all of them need."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from app.domain.errors import PortalError
from app.web.health.seen import Seen

#: part -> its section in docs/operations/health.md.
RUNBOOK: Final = {
    "scanner": "virus-scanner",
    "gate": "gate",
    "queues": "queues",
    "workers": "workers",
    "storage": "storage",
    "proof": "bundles-and-storage",
    "database": "database",
    "redis": "redis",
    "mail": "mail",
    "channels": "channels",
    "scheduler": "scheduler",
    "backup": "backups",
}


class Fact(NamedTuple):
    """``page`` is the address of the page about it."""

    name: str
    value: str | datetime
    page: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """``ok`` is None where nothing is known. ``sentence`` explains what is so, most of all what is wrong."""

    name: str
    title: str
    ok: bool | None
    sentence: str
    facts: tuple[Fact, ...] = ()

    @property
    def runbook(self) -> str:
        return RUNBOOK[self.name]


def facts_of(**named: str | datetime | None) -> tuple[Fact, ...]:
    """Return what is known, each with its name in words."""
    words = ((name.replace("_", " ").capitalize(), value) for name, value in named.items())
    return tuple(Fact(name, value) for name, value in words if value is not None)


def failing(seen: Seen, check: str) -> str | None:
    """Return what a check says is wrong; None if nothing."""
    found = seen.checks[check]
    return None if found.ok else found.detail or "It does not answer."


def good(answer: Any) -> Any:
    """Return an answer; None for an error in its place."""
    return None if isinstance(answer, PortalError) else answer
