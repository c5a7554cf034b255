"""Every alarm has a section that says what to do, and looks at a metric that there is."""

import re
from pathlib import Path
from typing import Final

from app.domain.metrics import METRICS, Kind, Metric

ROOT: Final = Path(__file__).resolve().parents[2]
_ALARMS: Final = tuple(sorted((ROOT / "terraform").glob("alarms*.tf")))
_EVENTS: Final = ROOT / "terraform" / "observability.tf"
_RUNBOOK: Final = ROOT / "docs" / "operations" / "alarms.md"

_NAME = re.compile(r"^    ([a-z0-9-]+) = \{$(?=.*?^    \}$)", re.MULTILINE | re.DOTALL)
_OURS = re.compile(
    r'"Diagport/(diagport_\w+)", dimensions = (local\.portal|merge\(local\.portal, \{ (.*?) \}\))'
)


def _alarms() -> set[str]:
    """Return the names in the maps: what begins at the depth of their keys and says something."""
    found = set()
    for path in (*_ALARMS, _EVENTS):
        text = path.read_text(encoding="utf-8")
        found |= {m[1] for m in _NAME.finditer(text) if re.match(r"\s+(#.*\s+)?says\s", text[m.end() :])}
    return found


def _labels(metric: Metric) -> set[str]:
    return set(metric.labels)


def test_every_alarm_has_its_section_and_every_section_its_alarm() -> None:
    sections = re.findall(r"^### (\S+)$", _RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(sections) == len(set(sections))
    alarms = _alarms()
    assert len(alarms) >= 27
    assert set(sections) == alarms


def test_every_section_says_where_to_look_and_what_to_do() -> None:
    _, *sections = re.split(r"^### ", _RUNBOOK.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for section in sections:
        words = " ".join(section.split()).lower()
        assert "first look" in words, section
        assert re.search(r"\bfix\b", words), section


def test_what_the_image_of_clamav_prints_is_explained() -> None:
    """It is none of the portal's own metrics, which another test looks for on that page."""
    script = (ROOT / "docker" / "clamav" / "signatures").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "operations" / "metrics.md").read_text(encoding="utf-8")
    [name] = set(re.findall(r'"Name":"(\w+)"', script))
    assert name not in {metric.name for metric in METRICS}
    assert f"`{name}`" in page


def test_alarms_look_at_metrics_that_the_portal_prints() -> None:
    """CloudWatch keeps a metric for each set of dimensions: one label too few, and nothing ever rings."""
    metrics = {metric.name: metric for metric in METRICS}
    looked_at = [m for path in _ALARMS for m in _OURS.finditer(path.read_text(encoding="utf-8"))]
    assert len(looked_at) >= 8
    for match in looked_at:
        metric = metrics[match[1]]
        assert metric.kind is not Kind.HISTOGRAM
        given = set(re.findall(r'"?(\w+)"? = ', match[3] or ""))
        assert given == _labels(metric), match[0]
