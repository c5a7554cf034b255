"""T13, I9: the trail is a chain, and `flask audit verify` names the first row that is not as written."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from structlog.testing import capture_logs

from app.jobs import periodic
from app.services import audit_chain
from app.system import System
from tests.integration.trail import audited, flask_audit, positions, tamper

UNCHAINED = "The row is not in the chain: it was put in past the trigger, or its place was cut off."


@pytest.fixture
def trail(committed: System) -> System:
    """Give a product with some deeds in its trail."""
    audited(committed, 8)
    return committed


def test_a_whole_trail_is_called_whole(trail: System) -> None:
    rows = positions(trail)
    assert [position for position, _, _ in rows] == list(range(1, len(rows) + 1))
    status, said = flask_audit(trail, "verify")
    assert (status, said.split(",")[0]) == (0, f"whole: {len(rows)} rows")
    assert f"{rows[-1][0]} {rows[-1][2]}" in said


def test_an_empty_trail_is_whole(committed: System) -> None:
    tamper(committed, "TRUNCATE audit_event CASCADE")
    assert flask_audit(committed, "verify") == (0, "whole: there are no rows yet")
    status, said = flask_audit(committed, "verify", "--anchor", f"3:{'0' * 64}")
    assert (status, "There is no chain at all" in said) == (1, True)
    assert flask_audit(committed, "anchor") == (1, "Error: There are no rows yet.")


EDITS = (
    "at = at + interval '1 microsecond'",
    "action = 'case.closed'",
    "actor_id = gen_random_uuid()",
    "actor_label = actor_label || ' '",
    "actor_role = 'admin'",
    "on_behalf_of = ''",
    "means = NULL",
    "address = '192.0.2.1'",
    "request_id = 'x'",
    "organisation_id = gen_random_uuid()",
    "upload_id = gen_random_uuid()",
    "account_id = gen_random_uuid()",
    'detail = detail || \'{"case": "CS-0"}\'',
    "id = 1000000",
)


def test_an_edit_of_any_field_is_found(trail: System) -> None:
    event = positions(trail)[3][1]
    tamper(trail, "CREATE TABLE kept AS SELECT * FROM audit_event WHERE id = $fourth")
    for edit in EDITS:
        tamper(trail, "UPDATE audit_event SET $edit WHERE id = $fourth".replace("$edit", edit))
        status, said = flask_audit(trail, "verify")
        assert (status, said.partition(": ")[0]) == (1, f"BROKEN at position 4, event {event}"), edit
        assert "edited" in said or "deleted" in said
        tamper(
            trail,
            "DELETE FROM audit_event WHERE id IN ($fourth, 1000000)",
            "INSERT INTO audit_event SELECT * FROM kept",
        )
    assert flask_audit(trail, "verify")[0] == 0


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (["DELETE FROM audit_event WHERE id = $fourth"], "at position 4, event {4}: The row was deleted."),
        (
            ["UPDATE audit_chain SET hash = sha256(hash) WHERE position = 4"],
            "at position 4, event {4}: The hash was edited; the row is as it was written.",
        ),
        (
            ["DELETE FROM audit_event WHERE id = $fourth", "DELETE FROM audit_chain WHERE position = 4"],
            "at position 4: This position is missing from the chain.",
        ),
        (
            [
                "DELETE FROM audit_event WHERE id = $fourth",
                "DELETE FROM audit_chain WHERE position = 4",
                "UPDATE audit_chain SET position = -position WHERE position > 4",
                "UPDATE audit_chain SET position = -position - 1 WHERE position < 0",
            ],
            "at position 4, event {5}: The row was edited, or stands where another one stood.",
        ),
        (
            [
                "UPDATE audit_chain SET position = -1 WHERE position = 4",
                "UPDATE audit_chain SET position = 4 WHERE position = 5",
                "UPDATE audit_chain SET position = 5 WHERE position = -1",
            ],
            "at position 4, event {5}: The row or its hash was edited.",
        ),
        (
            [
                "ALTER TABLE audit_event DISABLE TRIGGER ALL",
                "INSERT INTO audit_event (id, action, actor_label) VALUES (1000000, 'case.closed', 'nobody')",
                "ALTER TABLE audit_event ENABLE TRIGGER ALL",
            ],
            f"event 1000000: {UNCHAINED}",
        ),
        (
            ["DELETE FROM audit_chain WHERE event_id = $last"],
            "event {-1}: " + UNCHAINED,
        ),
    ],
    ids=["deleted", "hash", "missing", "renumbered", "swapped", "past the trigger", "place cut off"],
)
def test_what_a_superuser_did_is_named(trail: System, statements: list[str], said: str) -> None:
    rows = positions(trail)
    tamper(trail, *statements)
    known = {"{4}": rows[3][1], "{5}": rows[4][1], "{-1}": rows[-1][1]}
    expected = re.sub(r"\{-?\d\}", lambda match: str(known[match[0]]), said)
    assert flask_audit(trail, "verify") == (1, f"BROKEN {expected}")


def test_an_anchor_shows_that_the_tail_was_cut(trail: System) -> None:
    """Rows and places cut off together leave a chain that is whole, but shorter than it was."""
    status, anchor = flask_audit(trail, "anchor")
    assert status == 0
    position, digest, _ = anchor.split()
    known = f"{position}:{digest}"
    tamper(
        trail, "DELETE FROM audit_event WHERE id = $last", "DELETE FROM audit_chain WHERE event_id = $last"
    )
    assert flask_audit(trail, "verify")[0] == 0
    status, said = flask_audit(trail, "verify", "--anchor", known)
    assert (status, said.partition(":")[0]) == (1, f"BROKEN at position {position}")
    assert "ends earlier now" in said
    audited(trail, 3)  # what is written on it does not hide it
    status, said = flask_audit(trail, "verify", "--anchor", known)
    assert (status, "not the one of the anchor" in said) == (1, True)


def test_what_comes_later_is_no_quarrel_with_an_anchor(trail: System) -> None:
    position, digest, _ = flask_audit(trail, "anchor")[1].split()
    audited(trail, 2)
    status, said = flask_audit(trail, "verify", "--anchor", f"{position}:{digest}")
    assert status == 0
    assert f"as it was at {position}" in said
    assert flask_audit(trail, "verify", "--anchor", "today")[0] == 1


def test_the_end_is_logged_once_a_day(trail: System) -> None:
    with capture_logs() as logs:
        periodic.anchor_trail(trail)
        periodic.anchor_trail(trail)
    (line,) = [line for line in logs if line["event"] == "audit_anchored"]
    assert flask_audit(trail, "verify", "--anchor", line["anchor"])[0] == 0


def test_eight_writers_make_one_chain_without_gaps(committed: System) -> None:
    before = len(positions(committed))
    with ThreadPoolExecutor(8) as writers:
        for done in [writers.submit(audited, committed, 25) for _ in range(8)]:
            done.result()
    rows = positions(committed)
    assert [position for position, _, _ in rows] == list(range(1, before + 200 + 1))
    assert flask_audit(committed, "verify")[0] == 0


def test_batches_join(trail: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.queries.audit_chain._BATCH", 3)
    assert flask_audit(trail, "verify")[0] == 0
    tamper(trail, "DELETE FROM audit_event WHERE id = $fourth")
    with trail.work() as uow:
        found = audit_chain.verify(uow)
    assert isinstance(found, audit_chain.Broken)
    assert found.position == 4
