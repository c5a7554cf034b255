"""Names in documents are those that there are: the table, the alerts, the dashboard. F24."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from app.cli.dev import ROOT
from app.domain.metrics import METRICS, Kind, Unit

OPERATIONS = ROOT / "docs" / "operations"
TEXT = (OPERATIONS / "metrics.md").read_text()
DASHBOARD: dict[str, Any] = json.loads((OPERATIONS / "grafana-dashboard.json").read_text())

_NAME = re.compile(r"\bdiagport_[a-z_]+\b")
_LABEL = re.compile(r"(diagport_[a-z_]+)\{([^}]*)\}")


def exposed() -> dict[str, set[str]]:
    """Return the labels of every sample there may be, by its name."""
    found = {metric.name: set(metric.labels) for metric in METRICS if metric.kind is not Kind.HISTOGRAM}
    for metric in METRICS:
        if metric.kind is Kind.HISTOGRAM:
            found |= {f"{metric.name}_{part}": set(metric.labels) for part in ("sum", "count")}
            found[f"{metric.name}_bucket"] = {*metric.labels, "le"}
    return found


def panels() -> list[dict[str, Any]]:
    return list(DASHBOARD["panels"])


def expressions() -> Iterator[str]:
    for panel in panels():
        for target in panel.get("targets", []):
            yield target["expr"]
    yield from (str(variable.get("definition", "")) for variable in DASHBOARD["templating"]["list"])
    yield from re.findall(r"^ +expr: (.+)$", TEXT, re.MULTILINE)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_name_says_its_unit_and_what_it_is(metric: Any) -> None:
    assert (metric.kind is Kind.COUNTER) is metric.name.endswith("_total")
    stem = metric.name.removesuffix("_total")
    assert stem.endswith("_bytes") is (metric.unit is Unit.BYTES)
    assert stem.endswith("_seconds") is (metric.unit is Unit.SECONDS)
    assert metric.help.endswith(".")


def test_names_are_used_once() -> None:
    stems = [metric.name.removesuffix("_total") for metric in METRICS]
    assert len(set(stems)) == len(stems), "OpenMetrics knows no suffix in the name of a family"


def test_the_table_has_every_metric_and_no_other() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) ?\| (.+) \|$", TEXT, re.MULTILINE)
    assert rows == [
        (metric.name, metric.kind, ", ".join(f"`{label}`" for label in metric.labels), metric.help)
        for metric in METRICS
    ]


def test_expressions_ask_for_what_is_exposed() -> None:
    there = exposed()
    asked = list(expressions())
    assert len(asked) > 30
    names = {name for expression in asked for name in _NAME.findall(expression)}
    assert names - set(there) == set()
    for expression in asked:
        for name, matchers in _LABEL.findall(expression):
            assert set(re.findall(r"(\w+)(?:=~|!=|=)", matchers)) <= {*there[name], "job"}, expression


def test_every_metric_is_on_the_dashboard() -> None:
    shown = {
        name
        for panel in panels()
        for target in panel.get("targets", [])
        for name in _NAME.findall(target["expr"])
    }
    stems = {re.sub("_(sum|count|bucket)$", "", name) for name in shown}
    assert {metric.name for metric in METRICS} - stems == set()


def test_the_dashboard_is_one_that_grafana_takes() -> None:
    assert DASHBOARD["uid"]
    assert DASHBOARD["title"] == "Diagport"
    assert DASHBOARD["schemaVersion"] >= 36
    assert "id" not in DASHBOARD, "a number of somebody's own Grafana"
    source = DASHBOARD["templating"]["list"][0]
    assert (source["name"], source["type"], source["query"]) == ("datasource", "datasource", "prometheus")
    ids = [panel["id"] for panel in panels()]
    assert len(set(ids)) == len(ids)
    rows = [panel["title"] for panel in panels() if panel["type"] == "row"]
    assert rows == ["Intake", "Scan", "Queues", "Telling", "Gate", "Sign-ins", "Storage"]
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, f"{panel['title']} lies over another"
        taken |= cells
        if panel["type"] != "row":
            assert panel["title"]
            assert panel["datasource"]["uid"] == "${datasource}"
            refs = [target["refId"] for target in panel["targets"]]
            assert len(set(refs)) == len(refs) >= 1
