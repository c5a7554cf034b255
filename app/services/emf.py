"""Metrics as lines for CloudWatch Logs, which makes metrics of them: the Embedded Metric Format.

AWS, "Specification: Embedded metric format". A line has one set of dimensions, so there is one for each
combination of labels. Totals go as they are: RATE() and DIFF() of metric math make changes of them.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from app.domain.metrics import Kind, Metric, Reading

NAMESPACE: Final = "Diagport"
MOST: Final = 100  # metrics of one directive, by the specification

_Labels = tuple[tuple[str, str], ...]
_Values = dict[str, tuple[str, float]]  # unit and value by metric name


def lines(readings: Iterable[Reading], deployment: str, at: datetime) -> Iterator[str]:
    """Yield JSON documents, each without a line break. ``deployment`` is their dimension `environment`."""
    everywhere = {"environment": deployment, "service": "diagport"}
    for labels, values in _by_labels(readings).items():
        names = sorted(values)
        for start in range(0, len(names), MOST):
            some = {name: values[name] for name in names[start : start + MOST]}
            yield json.dumps(_document(everywhere | dict(labels), some, at))


def _by_labels(readings: Iterable[Reading]) -> dict[_Labels, _Values]:
    found: dict[_Labels, _Values] = {}
    for reading in readings:
        for labels, value in reading.values.items():
            same = found.setdefault(tuple(zip(reading.metric.labels, labels, strict=True)), {})
            same.update(_values(reading.metric, reading, value))
    return found


def _values(metric: Metric, reading: Reading, value: float) -> _Values:
    if metric.kind is Kind.HISTOGRAM:
        return {
            f"{metric.name}_sum": (metric.unit, value),
            f"{metric.name}_count": ("Count", reading.buckets[-1][1]),
        }
    return {metric.name: (metric.unit, value)}


def _document(dimensions: Mapping[str, str], values: _Values, at: datetime) -> dict[str, Any]:
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name, "Unit": str(unit)} for name, (unit, _) in values.items()],
    }
    return {
        "_aws": {"Timestamp": int(at.timestamp() * 1000), "CloudWatchMetrics": [directive]},
        **dimensions,
        **{name: value for name, (_, value) in values.items()},
    }
