"""Whether each thing the portal depends on answers. `/readyz`, the overview and the health page share it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.domain.errors import DependencyError, PortalError
from app.domain.jobs import QueueName
from app.log import get_logger
from app.queries import engine, gate, health
from app.system import System
from app.web.probing import prober
from app.web.wording import age

log = get_logger(__name__)

Probe = Callable[[], Any]

#: Without these no upload can be acknowledged; without the others it only waits.
ESSENTIAL: Final = frozenset({"database", "storage"})

#: What tests a scanner asks it every few seconds; after so many without an answer something is wrong.
UNHEARD: Final = 60

NEVER_RAN: Final = "The scheduler has not run yet."
SILENT: Final = "The scheduler has done nothing for more than three minutes."


@dataclass(frozen=True, slots=True)
class Check:
    ok: bool
    detail: str


def checks(system: System) -> dict[str, Check]:
    """Ask every dependency, by name: see `look`."""
    return look(system, {})[0]


def look(system: System, more: Mapping[str, Probe]) -> tuple[dict[str, Check], dict[str, Any]]:
    """Ask every dependency, and whatever else is wanted, by name; return what came of both.

    All but the database is asked at once, and waited for no longer than two seconds. An answer of
    ``more`` may be a `PortalError`.
    """
    adapters = system.adapters
    stores = {"storage": adapters.storage} | {
        f"storage_{other.name}": other for other in adapters.other_stores
    }
    answers = prober().ask(
        {name: store.check for name, store in stores.items()}
        | {
            "queue": adapters.queue.check,
            "workers": adapters.queue.workers,
        }
        | ({"scanner": adapters.scanner.engine} if system.settings.clamd_address else {})
        | dict(more)
    )
    words: dict[str, Callable[[], str | None]] = {
        "database": system.database.check,
        **{name: lambda name=name: _said(answers, name, lambda _: "") for name in stores},  # type: ignore[misc]
        "queue": lambda: _said(answers, "queue", lambda _: ""),
        "scanner": lambda: (
            _said(answers, "scanner", lambda engine: engine.name) if "scanner" in answers else _heard(system)
        ),
        "workers": lambda: _said(answers, "workers", _workers),
        "gate": lambda: _gate(system),
        "scheduler": lambda: _scheduler(system),
    }
    found = {name: _check(name, say) for name, say in words.items()}
    return found, {name: answers[name] for name in more}


def _said(answers: Mapping[str, Any], name: str, words: Callable[[Any], str]) -> str:
    answer = answers[name]
    if isinstance(answer, PortalError):
        raise answer
    return words(answer)


def _heard(system: System) -> str:
    """Say which scanner answers those that have one, where this process has none to ask."""
    with system.work() as uow:
        found, silence = engine.current(uow.session), engine.silence(uow.session)
    if found is None or silence is None:
        raise DependencyError("No virus scanner has answered yet: see whether workers run.")
    if silence > UNHEARD:
        raise DependencyError(f"No virus scanner has answered any worker for {age(silence)}.")
    return found.name


def _workers(listening: Mapping[QueueName, int]) -> str:
    missing = [name for name, count in listening.items() if not count]
    if missing:
        raise DependencyError(f"No worker listens for {', '.join(missing)}.")
    return ", ".join(f"{count} for {name}" for name, count in listening.items())


def _gate(system: System) -> str:
    with system.work() as uow:
        status = gate.current(uow.session)
    if not status.open:
        raise DependencyError(status.reason or gate.NOT_YET)
    return "open"


def _scheduler(system: System) -> str:
    with system.work() as uow:
        seen, lately = health.scheduler_seen(uow.session)
    if not lately:
        raise DependencyError(SILENT if seen else NEVER_RAN)
    return ""


def _check(name: str, say: Callable[[], str | None]) -> Check:
    try:
        return Check(ok=True, detail=say() or "")
    except PortalError as error:
        log.warning("dependency_down", dependency=name, why=error.message, **error.context)
        return Check(ok=False, detail=error.message)
