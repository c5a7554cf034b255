"""From what was read to metrics, whichever way they are told."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from app.domain import metrics as m
from app.domain.channels import ChannelKind
from app.domain.errors import DependencyError
from app.domain.jobs import QueueName
from app.domain.lifecycle import UploadState
from app.domain.metrics import Metric, Reading
from app.domain.verdict import Verdict
from app.ports import JobQueue
from app.ports.queue import QueueState
from app.queries.counters import Counted
from app.queries.figures import Figures

#: Upper bounds of the histogram of scans, seconds; the database has the same (migration 0014).
BOUNDS: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, math.inf)

_OUTCOMES = ("received", "rejected", "abandoned", "deleted", "integrity_failed")
_TOLD = [f"{kind} {outcome}" for kind in ChannelKind for outcome in ("sent", "failed", "dead", "overtaken")]
_SIGNED_IN = ["begun password", "refused local", "refused provider"]


@dataclass(frozen=True, slots=True)
class Bells:
    """What Redis says of the queues; with ``up`` false nothing."""

    up: bool = False
    queues: Mapping[QueueName, QueueState] = field(default_factory=dict)
    workers: Mapping[QueueName, int] = field(default_factory=dict)


def ask(queue: JobQueue) -> Bells:
    """Ask what hangs in the queues; one that is away is no error."""
    try:
        return Bells(True, queue.queues(), queue.workers())
    except DependencyError:
        return Bells()


def readings(figures: Figures, bells: Bells) -> Iterator[Reading]:
    """Yield every metric that has something to say. What never happened yet is 0, where that is known."""
    totals, gate = figures.totals, figures.gate
    yield _each(m.UPLOADS, totals[Counted.UPLOADS], UploadState)
    yield _each(m.UPLOADS_TOTAL, totals[Counted.OUTCOMES], _OUTCOMES)
    yield _one(m.RECEIVED, totals[Counted.RECEIVED_BYTES].get("", 0))
    yield _each(m.VERDICTS, totals[Counted.VERDICTS], Verdict)
    yield _one(m.SCANNED, totals[Counted.SCANNED_BYTES].get("", 0))
    yield _scan_seconds(totals)
    yield _of(m.WAITING, {str(what): row.count for what, row in figures.waiting.items()})
    yield _of(m.OLDEST, {str(what): row.seconds for what, row in figures.waiting.items()})
    yield _one(m.QUEUE_UP, bells.up)
    yield _of(m.QUEUE_DEPTH, {name: state.depth for name, state in bells.queues.items()})
    yield _of(m.QUEUE_OLDEST, {name: state.oldest or 0 for name, state in bells.queues.items()})
    yield _of(m.FAILED_JOBS, {name: state.failed_count for name, state in bells.queues.items()})
    yield _of(m.WORKERS, {str(name): count for name, count in bells.workers.items()})
    yield _each(m.DELIVERIES, totals[Counted.DELIVERIES], _TOLD)
    yield _one(m.DEAD, figures.dead)
    yield _each(m.SIGN_INS, totals[Counted.SIGN_INS], _SIGNED_IN)
    yield _one(m.GATE, gate.open)
    yield _one(m.PROBE_AGE, gate.probe_age)
    yield _one(m.SIGNATURES_AGE, gate.signatures_age)
    yield _one(m.STORED, figures.stored)
    ages = {name: step.seconds for name, step in figures.steps.items() if step.seconds is not None}
    yield _of(m.STEP_AGE, ages)
    yield _of(m.STEP_FAILURES, {name: step.failures for name, step in figures.steps.items()})


def _one(metric: Metric, value: float | None) -> Reading:
    return Reading(metric, {} if value is None else {(): float(value)})


def _of(metric: Metric, values: Mapping[str, float]) -> Reading:
    """Split each label at spaces where the metric has several."""
    spaces = len(metric.labels) - 1
    split = {tuple(str(label).split(" ", spaces)): float(value) for label, value in values.items()}
    return Reading(metric, split)


def _each(metric: Metric, values: Mapping[str, float], known: Iterable[str]) -> Reading:
    return _of(metric, dict.fromkeys(map(str, known), 0.0) | dict(values))


def _scan_seconds(totals: Mapping[Counted, Mapping[str, float]]) -> Reading:
    within = {float(bound): count for bound, count in totals[Counted.SCANS_WITHIN].items()}
    counts = accumulate(within.get(bound, 0.0) for bound in BOUNDS)
    return Reading(
        m.SCAN_SECONDS,
        {(): totals[Counted.SCAN_SECONDS].get("", 0.0)},
        tuple(zip(BOUNDS, counts, strict=True)),
    )
