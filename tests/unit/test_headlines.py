"""What happened, in one line: T18 (names are words)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.events import Event
from app.domain.headlines import headline

UPLOAD = {
    "id": "5d2f0b7e-0000-4000-8000-000000000000",
    "filename": "sosreport.tgz",
    "case": "CS-7",
    "reason": "The archive ends early.",
    "uploaded_by": "ann@acme.example",
    "assignee": "eve@diagport.example",
    "expires_at": "2026-12-05T23:30:00-01:00",
}


@pytest.mark.parametrize("staff", [True, False])
@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("payload", [{}, dict.fromkeys(UPLOAD), UPLOAD, {"expires_at": 7, "percent": 92}])
def test_every_event_has_one_for_everybody(event: Event, staff: bool, payload: dict[str, Any]) -> None:
    line = headline(event, payload, staff=staff)
    assert line
    assert "None" not in line
    assert "{" not in line


@pytest.mark.parametrize(
    ("event", "staff", "line"),
    [
        (Event.UPLOAD_CLEAN, True, "sosreport.tgz is ready · CS-7"),
        (Event.UPLOAD_CLEAN, False, "sosreport.tgz was checked: no virus found · CS-7"),
        (Event.UPLOAD_DOWNLOADED, False, "Support has begun to work with sosreport.tgz · CS-7"),
        (Event.UPLOAD_UNSCANNABLE, True, "sosreport.tgz needs review: The archive ends early · CS-7"),
        (Event.UPLOAD_DELETION_DUE, False, "sosreport.tgz is deleted on 6 Dec 2026 · CS-7"),
        (Event.UPLOAD_ASSIGNED, True, "sosreport.tgz was assigned to eve@diagport.example · CS-7"),
        (Event.UPLOAD_STARTED, True, "ann@acme.example began to send sosreport.tgz · CS-7"),
    ],
)
def test_what_it_says(event: Event, staff: bool, line: str) -> None:
    assert headline(event, UPLOAD, staff=staff) == line


@pytest.mark.parametrize("event", Event)
def test_customers_learn_no_name_of_the_staff(event: Event) -> None:
    assert "eve@" not in headline(event, UPLOAD, staff=False)


def test_of_what_was_deleted_the_number_is_left() -> None:
    stone = {"id": UPLOAD["id"], "reason": "Kept for 30 days, as agreed."}
    line = headline(Event.UPLOAD_DELETED, stone, staff=False)
    assert line == "Bundle 5d2f0b7e is gone: Kept for 30 days, as agreed"


@given(event=st.sampled_from(list(Event)), name=st.text(min_size=1), staff=st.booleans())
def test_names_stay_on_the_line_and_are_no_template(event: Event, name: str, staff: bool) -> None:
    hostile = f"x{name}{{file}}{{0}}{{file.__class__}}%s{{{{7*7}}}}"
    line = headline(event, UPLOAD | {"filename": hostile, "case": hostile}, staff=staff)
    assert len(line.splitlines()) == 1
    if event.startswith("upload.") and len(hostile) < 100:
        assert " ".join(hostile.split()) in line
