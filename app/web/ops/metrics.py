"""Figures as Prometheus metrics.

Being read from Postgres, they are the same in every process, survive restarts, and need no
files shared between workers.
"""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from app.queries.figures import Figures


class _Collector:
    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """Yield one family after the other."""
        figures = self._figures
        uploads = GaugeMetricFamily("diagport_uploads", "Uploads by state.", labels=["state"])
        for state, count in figures.uploads.items():
            uploads.add_metric([state.value], count)
        yield uploads
        deliveries = GaugeMetricFamily("diagport_deliveries", "Mails by outcome.", labels=["outcome"])
        for outcome, count in figures.deliveries.items():
            deliveries.add_metric([outcome], count)
        yield deliveries
        yield CounterMetricFamily(
            "diagport_received_bytes", "Bytes of sealed uploads.", figures.received_bytes
        )
        yield CounterMetricFamily(
            "diagport_scanned_bytes", "Expanded bytes that were scanned.", figures.scanned_bytes
        )
        yield CounterMetricFamily("diagport_scan_seconds", "Seconds spent scanning.", figures.scan_seconds)
        yield GaugeMetricFamily(
            "diagport_oldest_waiting_seconds",
            "Age of the oldest upload without verdict.",
            figures.oldest_waiting,
        )
        gate = figures.gate
        yield GaugeMetricFamily("diagport_gate_open", "Whether anything may turn clean.", int(gate.open))
        if gate.probe_age is not None:
            what = "Seconds since the scanner was last tested."
            yield GaugeMetricFamily("diagport_gate_probe_age_seconds", what, gate.probe_age)
        if gate.signatures_age is not None:
            what = "Age of the scanner's signatures."
            yield GaugeMetricFamily("diagport_signatures_age_seconds", what, gate.signatures_age)


def render(figures: Figures) -> bytes:
    """Return the exposition text."""
    registry = CollectorRegistry()
    registry.register(_Collector(figures))
    return generate_latest(registry)
