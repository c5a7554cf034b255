"""Lines in CloudWatch's embedded metric format, against its specification. F24."""

import json
from datetime import UTC, datetime
from typing import Any

from app.domain import metrics as m
from app.domain.metrics import Metric, Reading
from app.services import emf

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
#: MetricDatum's units, as far as they could be ours.
UNITS = {"Seconds", "Microseconds", "Milliseconds", "Bytes", "Count", "None", "Percent"}


def documents(*readings: Reading) -> list[dict[str, Any]]:
    return [json.loads(line) for line in emf.lines(readings, "production", AT)]


def check(document: dict[str, Any]) -> None:
    """Assert what the specification says of a document."""
    assert len(json.dumps(document)) < 256 * 1024
    head = document["_aws"]
    assert set(head) == {"Timestamp", "CloudWatchMetrics"}
    assert isinstance(head["Timestamp"], int)
    for directive in head["CloudWatchMetrics"]:
        assert set(directive) == {"Namespace", "Dimensions", "Metrics"}
        assert 1 <= len(directive["Namespace"]) <= 1024
        for names in directive["Dimensions"]:
            assert len(names) <= 30
            assert all(isinstance(document[name], str) and 1 <= len(document[name]) <= 1024 for name in names)
        assert 1 <= len(directive["Metrics"]) <= 100
        for metric in directive["Metrics"]:
            assert set(metric) == {"Name", "Unit"}
            assert 1 <= len(metric["Name"]) <= 1024
            assert metric["Unit"] in UNITS
            assert isinstance(document[metric["Name"]], int | float)


def test_one_line_for_each_combination_of_labels() -> None:
    found = documents(
        Reading(m.GATE, {(): 1.0}),
        Reading(m.RECEIVED, {(): 9.0}),
        Reading(m.QUEUE_DEPTH, {("scan",): 3.0, ("deliver",): 0.0}),
        Reading(m.QUEUE_OLDEST, {("scan",): 1.5}),
        Reading(m.DELIVERIES, {("sns", "sent"): 2.0}),
        Reading(m.PROBE_AGE, {}),
    )
    for document in found:
        check(document)
    assert len(found) == 4
    assert found[0]["_aws"] == {
        "Timestamp": 1793534400000,
        "CloudWatchMetrics": [
            {
                "Namespace": "Diagport",
                "Dimensions": [["environment", "service"]],
                "Metrics": [
                    {"Name": "diagport_gate_open", "Unit": "None"},
                    {"Name": "diagport_received_bytes_total", "Unit": "Bytes"},
                ],
            }
        ],
    }
    assert found[1]["queue"] == "scan"
    assert (found[1]["diagport_queue_depth"], found[1]["diagport_queue_oldest_seconds"]) == (3, 1.5)
    (directive,) = found[3]["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["environment", "service", "channel", "outcome"]]


def test_a_histogram_is_its_sum_and_its_count() -> None:
    (found,) = documents(Reading(m.SCAN_SECONDS, {(): 12.5}, ((1.0, 2.0), (float("inf"), 5.0))))
    check(found)
    assert (found["diagport_scan_seconds_sum"], found["diagport_scan_seconds_count"]) == (12.5, 5)


def test_no_directive_has_more_than_a_hundred_metrics() -> None:
    many = [Reading(Metric(f"m{number:03}", m.Kind.GAUGE, "?"), {(): 1.0}) for number in range(250)]
    found = documents(*many)
    for document in found:
        check(document)
    assert sum(len(line["_aws"]["CloudWatchMetrics"][0]["Metrics"]) for line in found) == 250
