"""What a second scan may change, and what not: T26, I3, I4, I11, F4, F14."""

from dataclasses import replace

import pytest

from app.domain.events import Event
from app.domain.lifecycle import JUDGED, UploadState
from app.domain.policy import Actor, Role
from app.domain.verdict import Obstacle, Verdict
from app.services import gate, quarantine, removal
from app.services.scanning import leases, rescans
from app.system import System
from tests.factories.people import make_account, make_actor
from tests.factories.uploads import ENGINE, make_upload
from tests.integration.looking import deeds, details, fresh, outbox, pass_time
from tests.integration.rescanning import ask, claim, held, record, report_on

S, V, E = UploadState, Verdict, Event


@pytest.mark.parametrize(
    ("before", "verdict", "after", "event"),
    [
        (S.CLEAN, V.CLEAN, S.CLEAN, None),
        (S.CLEAN, V.INFECTED, S.INFECTED, E.UPLOAD_RECALLED),
        (S.INFECTED, V.INFECTED, S.INFECTED, None),
        (S.INFECTED, V.CLEAN, S.CLEAN, E.UPLOAD_CLEAN),
        (S.UNSCANNABLE, V.UNSCANNABLE, S.UNSCANNABLE, None),
        (S.UNSCANNABLE, V.CLEAN, S.CLEAN, E.UPLOAD_CLEAN),
        (S.UNSCANNABLE, V.INFECTED, S.INFECTED, E.UPLOAD_INFECTED),
    ],
)
def test_a_whole_scan_is_believed(
    system: System,
    sender: Actor,
    before: UploadState,
    verdict: Verdict,
    after: UploadState,
    event: Event | None,
) -> None:
    make_account(system, Role.ENGINEER)
    taken = held(system, sender, before)
    told = {row.id for row in outbox(system, taken.upload_id)}
    assert record(system, taken, report_on(taken, verdict, obstacle=Obstacle.LIMIT))
    now = fresh(system, taken.upload_id)
    assert (now.state, now.lease_until, now.rescan_asked_at) == (after, None, None)
    assert now.scan
    assert (now.scan.verdict, now.scan.signatures, now.scanned_for) == (verdict, "27451", "27451")
    assert [found["signature"] for found in now.scan.findings] == ["Win.Trojan"] * (verdict is V.INFECTED)
    assert now.reason == ("It is too large." if verdict is V.UNSCANNABLE else None)
    assert deeds(system, now.id)[-1] == (f"upload.{after}" if event else "upload.rescanned")
    assert {row.event for row in outbox(system, now.id) if row.id not in told} == (
        {event} if event else set()
    )


@pytest.mark.parametrize(
    ("before", "verdict", "complete", "obstacle"),
    [
        (S.CLEAN, V.CLEAN, False, None),
        (S.CLEAN, V.UNSCANNABLE, True, Obstacle.LIMIT),
        (S.CLEAN, V.UNSCANNABLE, False, Obstacle.SCANNER_ERROR),
        (S.INFECTED, V.CLEAN, False, None),
        (S.INFECTED, V.UNSCANNABLE, True, Obstacle.TOO_SLOW),
        (S.UNSCANNABLE, V.UNSCANNABLE, False, Obstacle.SCANNER_ERROR),
    ],
)
def test_any_other_frees_and_blocks_nothing(
    system: System,
    sender: Actor,
    before: UploadState,
    verdict: Verdict,
    complete: bool,
    obstacle: Obstacle | None,
) -> None:
    """What went wrong stands in the history, and these signatures are not tried again."""
    taken = held(system, sender, before)
    was, told = fresh(system, taken.upload_id), len(outbox(system, taken.upload_id))
    assert record(system, taken, report_on(taken, verdict, complete=complete, obstacle=obstacle))
    now = fresh(system, taken.upload_id)
    assert (now.state, now.reason, now.lease_until, now.rescan_asked_at) == (before, was.reason, None, None)
    assert (now.scan and now.scan.signatures) == ENGINE.signatures
    assert deeds(system, now.id)[-1] == "upload.rescan_failed"
    assert details(system, now.id)[-1]["reason"]
    assert len(outbox(system, now.id)) == told


def test_a_release_lasts_as_long_as_its_state(system: System, sender: Actor) -> None:
    upload = make_upload(system, sender, S.UNSCANNABLE)
    with system.work(make_actor(system, Role.ENGINEER)) as uow:
        quarantine.release(uow, upload.id, "The customer and I have looked at it together.")
    for verdict, released in ((V.UNSCANNABLE, True), (V.INFECTED, False)):
        ask(system, upload)
        taken = claim(system, upload)
        assert taken
        assert record(system, taken, report_on(taken, verdict, obstacle=Obstacle.LIMIT))
        assert (fresh(system, upload.id).released_at is not None) is released


@pytest.mark.parametrize("state", sorted(JUDGED))
def test_changed_bytes_are_told_whatever_was_known(system: System, sender: Actor, state: UploadState) -> None:
    """T26."""
    taken = held(system, sender, state)
    assert record(system, taken, replace(report_on(taken, V.CLEAN), sha256="0" * 64))
    assert fresh(system, taken.upload_id).state is S.INTEGRITY_FAILED


@pytest.mark.parametrize("verdict", V)
def test_the_right_bytes_again_after_a_restore(system: System, sender: Actor, verdict: Verdict) -> None:
    """T26: only a whole scan of the bytes that were received takes the alarm back."""
    taken = held(system, sender, S.INTEGRITY_FAILED)
    assert record(system, taken, replace(report_on(taken, verdict), sha256="0" * 64))
    assert fresh(system, taken.upload_id).state is S.INTEGRITY_FAILED
    assert deeds(system, taken.upload_id)[-1] == "upload.rescan_failed"
    with system.work() as uow:
        rescans.ask(uow, taken.upload_id)
    again = claim(system, fresh(system, taken.upload_id))
    assert again
    assert record(system, again, report_on(again, verdict))
    assert fresh(system, taken.upload_id).state is UploadState(verdict)


def test_behind_the_fence_nothing_is_written(system: System, sender: Actor) -> None:
    """F4."""
    old = held(system, sender, S.CLEAN)
    pass_time(system, old.upload_id, system.settings.scan_lease + 1)
    new = claim(system, fresh(system, old.upload_id))
    assert new
    with system.work() as uow:
        assert not leases.renew(uow, old)
        assert not rescans.hand_back(uow, old, counted=True)
    assert not record(system, old, report_on(old, V.INFECTED))
    assert not record(system, old, report_on(old, V.UNSCANNABLE))
    assert fresh(system, old.upload_id).state is S.CLEAN
    assert record(system, new, report_on(new, V.CLEAN))
    with system.work() as uow:
        removal.delete(uow, old.upload_id, "Asked for.")
    assert not record(system, new, report_on(new, V.INFECTED))
    assert fresh(system, old.upload_id).state is S.DELETED


def test_scans_that_break_off_end_with_the_state_kept(system: System, sender: Actor) -> None:
    """F14: also of a bundle that kills every scanner."""
    upload = make_upload(system, sender, S.CLEAN)
    ask(system, upload)
    for _ in range(system.settings.scan_attempts):
        assert claim(system, upload), "its lease ends without a word"
        assert claim(system, upload) is None
        pass_time(system, upload.id, system.settings.scan_lease + 1)
    assert claim(system, upload) is None
    now = fresh(system, upload.id)
    assert (now.state, now.rescan_asked_at) == (S.CLEAN, None)
    assert details(system, upload.id)[-1]["reason"] == "The second scan broke off 3 times."
    ask(system, upload)
    assert claim(system, upload), "whoever asks again gets new tries"


def test_a_closed_gate_frees_nothing_and_still_blocks(system: System, sender: Actor) -> None:
    """T24."""
    infected, clean = held(system, sender, S.INFECTED), held(system, sender, S.CLEAN)
    waiting = make_upload(system, sender, S.CLEAN)
    ask(system, waiting)
    with system.work() as uow:
        gate.report(uow, [], "x", "It missed the test virus.")
    assert claim(system, waiting) is None
    assert not record(system, infected, report_on(infected, V.CLEAN))
    now = fresh(system, infected.upload_id)
    assert (now.state, now.attempts, now.rescan_asked_at is None) == (S.INFECTED, 0, False), "it waits on"
    assert record(system, clean, report_on(clean, V.INFECTED))
    assert fresh(system, clean.upload_id).state is S.INFECTED
