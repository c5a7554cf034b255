"""The metrics that there are: names, units, labels, and what each says. Prometheus' rules for names."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    GAUGE = "gauge"
    COUNTER = "counter"  # its name ends in _total; it never falls
    HISTOGRAM = "histogram"


class Unit(StrEnum):
    """CloudWatch's words for units."""

    COUNT = "Count"
    BYTES = "Bytes"
    SECONDS = "Seconds"
    NONE = "None"


@dataclass(frozen=True, slots=True)
class Metric:
    """``labels`` have few values, and none that names a person, an organisation or a file."""

    name: str
    kind: Kind
    help: str  # a sentence, for operators
    labels: tuple[str, ...] = ()
    unit: Unit = Unit.COUNT


@dataclass(frozen=True, slots=True)
class Reading:
    """What a metric says now: value by its labels' values, in their order.

    A histogram has ``buckets`` (upper bound in its unit, and how many were at most that, the last one
    being infinity's), and its sum as the value.
    """

    metric: Metric
    values: Mapping[tuple[str, ...], float]
    buckets: tuple[tuple[float, float], ...] = ()


_G, _C = Kind.GAUGE, Kind.COUNTER

UPLOADS: Final = Metric("diagport_uploads_in_state", _G, "Uploads by the state they are in.", ("state",))
UPLOADS_TOTAL: Final = Metric(
    "diagport_uploads_total",
    _C,
    "Uploads that were received whole, rejected, abandoned, deleted, or found changed in the storage.",
    ("outcome",),
)
RECEIVED: Final = Metric("diagport_received_bytes_total", _C, "Bytes of sealed uploads.", unit=Unit.BYTES)
VERDICTS: Final = Metric("diagport_verdicts_total", _C, "Scans that ended with this verdict.", ("verdict",))
SCANNED: Final = Metric(
    "diagport_scanned_bytes_total", _C, "Expanded bytes that were scanned.", unit=Unit.BYTES
)
SCAN_SECONDS: Final = Metric(
    "diagport_scan_seconds", Kind.HISTOGRAM, "Seconds that scans with a verdict took.", unit=Unit.SECONDS
)
WAITING: Final = Metric(
    "diagport_waiting",
    _G,
    "Rows that wait: uploads for a verdict, events to be spread, deliveries whose time has come.",
    ("for",),
)
OLDEST: Final = Metric(
    "diagport_oldest_waiting_seconds",
    _G,
    "For how long the oldest of them has waited.",
    ("for",),
    Unit.SECONDS,
)
QUEUE_UP: Final = Metric("diagport_queue_up", _G, "Whether Redis answers.", unit=Unit.NONE)
QUEUE_DEPTH: Final = Metric("diagport_queue_depth", _G, "Bells that hang in a queue.", ("queue",))
QUEUE_OLDEST: Final = Metric(
    "diagport_queue_oldest_seconds", _G, "Age of the oldest bell in a queue.", ("queue",), Unit.SECONDS
)
FAILED_JOBS: Final = Metric("diagport_failed_jobs", _G, "Jobs that failed lately and are kept.", ("queue",))
WORKERS: Final = Metric("diagport_workers", _G, "Workers that listen to a queue.", ("queue",))
DELIVERIES: Final = Metric(
    "diagport_deliveries_total",
    _C,
    "Messages sent, tries that failed, messages given up as dead or overtaken by events.",
    ("channel", "outcome"),
)
DEAD: Final = Metric("diagport_dead_letters", _G, "Deliveries that were given up and are still listed.")
SIGN_INS: Final = Metric(
    "diagport_sign_ins_total", _C, "Sign-ins begun and refused, by how people proved who they are.",
    ("outcome", "means"),
)  # fmt: skip
GATE: Final = Metric("diagport_gate_open", _G, "Whether anything may turn clean.", unit=Unit.NONE)
PROBE_AGE: Final = Metric(
    "diagport_gate_probe_age_seconds",
    _G,
    "Seconds since the scanner was last tested.",
    unit=Unit.SECONDS,
)
SIGNATURES_AGE: Final = Metric(
    "diagport_signatures_age_seconds", _G, "Age of the scanner's signatures.", unit=Unit.SECONDS
)
STORED: Final = Metric(
    "diagport_storage_used_bytes", _G, "Bytes that count against organisations' quotas.", unit=Unit.BYTES
)
STEP_AGE: Final = Metric(
    "diagport_step_age_seconds", _G, "Seconds since a periodic step last ended.", ("step",), Unit.SECONDS
)
STEP_FAILURES: Final = Metric(
    "diagport_step_failures", _G, "Failures in a row of a periodic step.", ("step",)
)

METRICS: Final = (
    UPLOADS,
    UPLOADS_TOTAL,
    RECEIVED,
    VERDICTS,
    SCANNED,
    SCAN_SECONDS,
    WAITING,
    OLDEST,
    QUEUE_UP,
    QUEUE_DEPTH,
    QUEUE_OLDEST,
    FAILED_JOBS,
    WORKERS,
    DELIVERIES,
    DEAD,
    SIGN_INS,
    GATE,
    PROBE_AGE,
    SIGNATURES_AGE,
    STORED,
    STEP_AGE,
    STEP_FAILURES,
)
