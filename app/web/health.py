"""Whether each thing the portal depends on answers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from app.domain.errors import DependencyError, PortalError
from app.log import get_logger
from app.queries import gate
from app.system import System

log = get_logger(__name__)

#: Without these no upload can be acknowledged; without the others it only waits.
ESSENTIAL: Final = frozenset({"database", "storage"})


@dataclass(frozen=True, slots=True)
class Check:
    ok: bool
    detail: str


def checks(system: System) -> dict[str, Check]:
    """Ask every dependency, by name."""
    adapters = system.adapters
    probes: dict[str, Callable[[], str | None]] = {
        "database": system.database.check,
        "storage": adapters.storage.check,
        **{f"storage_{other.name}": other.check for other in adapters.other_stores},
        "queue": adapters.queue.check,
        "scanner": lambda: adapters.scanner.engine().name,
        "workers": lambda: _workers(system),
        "gate": lambda: _gate(system),
    }
    return {name: _check(name, probe) for name, probe in probes.items()}


def _workers(system: System) -> str:
    listening = system.adapters.queue.workers()
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


def _check(name: str, probe: Callable[[], str | None]) -> Check:
    try:
        return Check(ok=True, detail=probe() or "")
    except PortalError as error:
        log.warning("dependency_down", dependency=name, why=error.message, **error.context)
        return Check(ok=False, detail=error.message)
