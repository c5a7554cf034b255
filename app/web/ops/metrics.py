"""Metrics in Prometheus' text format.

Being read from Postgres and Redis, they are the same in every process, survive restarts, and need no
files shared between workers.
"""

from collections.abc import Iterable, Iterator
from math import isinf

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from app.domain.metrics import Kind, Reading


class _Collector(Collector):
    def __init__(self, readings: Iterable[Reading]) -> None:
        self._readings = readings

    def collect(self) -> Iterator[Family]:
        """Yield one family after the other."""
        return map(_family, self._readings)


def render(readings: Iterable[Reading]) -> bytes:
    """Return the exposition text."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(readings))
    return generate_latest(registry)


def _family(reading: Reading) -> Family:
    metric = reading.metric
    if metric.kind is Kind.HISTOGRAM:
        histogram = HistogramMetricFamily(metric.name, metric.help)
        buckets = [("+Inf" if isinf(bound) else f"{bound:g}", count) for bound, count in reading.buckets]
        histogram.add_metric([], buckets, reading.values[()])
        return histogram
    counts = metric.kind is Kind.COUNTER
    make = CounterMetricFamily if counts else GaugeMetricFamily
    family: CounterMetricFamily | GaugeMetricFamily = make(metric.name, metric.help, labels=metric.labels)
    for labels, value in reading.values.items():
        family.add_metric(labels, value)
    return family
