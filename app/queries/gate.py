"""Whether anything may turn clean now, and what the last test of the scanner showed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.models import EngineStatus, Gate, ScannerTest

NOT_YET = "The virus scanner has not been tested yet."
STALE = "The virus scanner has not been tested for half an hour: see whether what tests it runs."

#: An open gate is worth this much; tests come every ten minutes (`services.gate`).
GOOD_FOR = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class GateStatus:
    """``reason`` is a sentence for people while it is closed; ages are seconds, by the database's clock."""

    open: bool = False
    reason: str | None = NOT_YET
    since: datetime | None = None
    probed_at: datetime | None = None  # None: never
    probe_age: float | None = None
    signatures_age: float | None = None  # None where they have no date
    probes: Sequence[Mapping[str, Any]] = field(default=())  # each a `services.gate.Probe`


def current(session: Session) -> GateStatus:
    """Return how things stand; closed where nothing was ever tested."""

    def age(moment: Any) -> Any:
        return func.extract("epoch", func.now() - moment)

    built = select(age(EngineStatus.signatures_at)).where(EngineStatus.id == 1).scalar_subquery()
    row = session.execute(select(Gate, age(Gate.probed_at), built).where(Gate.id == 1)).one_or_none()
    if row is None:
        return GateStatus()
    gate, probe_age, signatures_age = row
    stale = gate.open and (probe_age is None or probe_age > GOOD_FOR.total_seconds())
    return GateStatus(
        open=gate.open and not stale,
        reason=STALE if stale else gate.reason,
        since=gate.changed_at,
        probed_at=gate.probed_at,
        probe_age=None if probe_age is None else float(probe_age),
        signatures_age=None if signatures_age is None else float(signatures_age),
        probes=tuple(gate.probes),
    )


def scanners(session: Session) -> Sequence[ScannerTest]:
    """Return what was found of each scanner that was tested lately."""
    lately = ScannerTest.tested_at > func.now() - GOOD_FOR
    return session.scalars(select(ScannerTest).where(lately).order_by(ScannerTest.place)).all()
