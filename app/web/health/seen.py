"""All that the health page is made of, asked for at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.bootstrap import ROOT
from app.domain.verdict import Engine
from app.models import Channel, ScannerTest, StepRun
from app.ports import HasRoom, HasTiers
from app.queries import clock, engine, gate, health
from app.queries.gate import GateStatus
from app.queries.health import ArchiverFacts, DatabaseFacts, MailFacts
from app.services import agreement, stalls, steps
from app.services.stalls import Waiting
from app.settings import NOWHERE, Settings
from app.system import System
from app.web.health import Check, Probe, look


@dataclass(frozen=True, slots=True)
class Seen:
    """``told`` has what the parts outside the database said, by name: an answer or a `PortalError`."""

    settings: Settings
    checks: Mapping[str, Check]
    told: Mapping[str, Any]
    now: datetime
    engine: Engine | None
    gate: GateStatus
    scanners: Sequence[ScannerTest]
    waiting: Sequence[Waiting]
    database: DatabaseFacts
    archiver: ArchiverFacts | None
    mail: MailFacts
    channels: Sequence[Channel]
    steps: Sequence[StepRun]
    proof: Mapping[str, Any]  # what the last comparison of rows and storage came to
    strays: Mapping[str, Any]  # what the last sweep of storage came to


def see(system: System) -> Seen:
    """Ask. Raises DependencyError: the database is away."""
    adapters = system.adapters
    more: dict[str, Probe] = {
        "queues": adapters.queue.queues,
        "crew": adapters.queue.crew,
        "server": adapters.queue.server,
    }
    for store in adapters.stores:
        if isinstance(store, HasRoom):
            more[f"room {store.name}"] = store.room
        if isinstance(store, HasTiers):
            more[f"tier {store.name}"] = store.tier
    if system.settings.backup_hint != NOWHERE:
        more["backup"] = lambda: _touched(system.settings.backup_hint)
    checks, told = look(system, more)
    with system.work() as uow:
        session = uow.session
        health.hurry(session)
        return Seen(
            settings=system.settings,
            checks=checks,
            told=told,
            now=clock.now(session),
            engine=engine.current(session),
            gate=gate.current(session),
            scanners=gate.scanners(session),
            waiting=stalls.waiting(uow),
            database=health.database(session),
            archiver=health.archiver(session),
            mail=health.mail(session),
            channels=health.paused_channels(session),
            steps=health.steps(session),
            proof=steps.last_result(uow, agreement.STEP),
            strays=steps.last_result(uow, "remove_strays"),
        )


def _touched(file: Path) -> datetime | None:
    """Return when a file was last written to; None if there is none to be seen."""
    try:
        return datetime.fromtimestamp(file.stat().st_mtime, UTC)
    except OSError:
        return None


def newest_migration() -> str:
    """Return the revision that this program was written for."""
    return max(path.stem for path in (ROOT / "migrations" / "versions").glob("[0-9]*.py"))
