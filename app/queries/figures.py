"""Numbers for operators, read from the rows, so that they are right whichever process is asked.

No question here looks at rows that are done with: a million of them cost nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.domain.lifecycle import UploadState
from app.models import Delivery, EventRecord, Organisation, StepRun, Upload
from app.queries import counters, gate
from app.queries.counters import Counted
from app.queries.deliveries import DEAD
from app.queries.gate import GateStatus


class Waits(StrEnum):
    """What a row may wait for."""

    VERDICT = "verdict"
    SPREADING = "spreading"
    DELIVERY = "delivery"


@dataclass(frozen=True, slots=True)
class Waiting:
    """``count`` rows; ``seconds`` for the oldest, 0 if there is none."""

    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Step:
    """``seconds`` since it last ended, None while it runs for the first time; ``failures`` in a row."""

    seconds: float | None
    failures: int


@dataclass(frozen=True, slots=True)
class Figures:
    """``totals`` as `counters.totals`; ``stored`` bytes; ``dead`` deliveries."""

    totals: Mapping[Counted, Mapping[str, float]]
    waiting: Mapping[Waits, Waiting]
    dead: int
    stored: int
    steps: Mapping[str, Step]
    gate: GateStatus


def figures(session: Session) -> Figures:
    """Look at everything."""
    unjudged = Upload.state.in_([UploadState.SEALED, UploadState.SCANNING])
    open_ = (Delivery.sent_at.is_(None), Delivery.dead_at.is_(None), Delivery.next_at <= func.now())
    dead = select(func.count()).select_from(Delivery).where(*DEAD)
    return Figures(
        totals=counters.totals(session),
        waiting={
            Waits.VERDICT: _waiting(session, Upload.sealed_at, unjudged),
            Waits.SPREADING: _waiting(session, EventRecord.created_at, EventRecord.spread_at.is_(None)),
            Waits.DELIVERY: _waiting(session, Delivery.next_at, *open_),
        },
        dead=session.scalar(dead) or 0,
        stored=int(session.scalar(select(func.sum(Organisation.used_bytes))) or 0),
        steps=_steps(session),
        gate=gate.current(session),
    )


def _waiting(session: Session, since: InstrumentedAttribute[Any], *which: ColumnElement[bool]) -> Waiting:
    count, seconds = session.execute(select(func.count(), _age(func.min(since))).where(*which)).one()
    return Waiting(count, float(seconds or 0))


def _steps(session: Session) -> dict[str, Step]:
    rows = session.execute(select(StepRun.name, _age(StepRun.finished_at), StepRun.failures))
    return {
        name: Step(None if seconds is None else float(seconds), failures) for name, seconds, failures in rows
    }


def _age(moment: Any) -> Any:
    return func.extract("epoch", func.now() - moment)
