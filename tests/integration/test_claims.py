"""Leases with a fence: F3, F4, F5, F14, I4, I11."""

from dataclasses import replace

import pytest

from app.domain.events import Event
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor, Role
from app.domain.verdict import Obstacle, ScanReport, Verdict
from app.models import Upload
from app.services import gate, removal
from app.services.engine import named
from app.services.scanning import claims, leases
from app.services.scanning.leases import Claim
from app.system import System
from tests.factories.people import make_account, make_actor
from tests.factories.uploads import make_upload
from tests.fakes import FakeScanner
from tests.integration.looking import deeds, fresh, outbox, pass_time, race

TESTED = FakeScanner().engine()


@pytest.fixture
def upload(system: System, sender: Actor) -> Upload:
    return make_upload(system, sender)


def claim(system: System, upload: Upload) -> Claim | None:
    with system.work() as uow:
        return claims.claim(uow, upload.id, TESTED)


def held(system: System, upload: Upload) -> Claim:
    taken = claim(system, upload)
    assert taken is not None
    return taken


def report_on(taken: Claim, verdict: Verdict = Verdict.CLEAN) -> ScanReport:
    return ScanReport(verdict, TESTED, taken.sha256 or "", taken.size, members_total=1, members_scanned=1)


def told(system: System, upload: Upload) -> list[Event]:
    """Return what anybody hears of the upload after its receipt, a mail each."""
    return [row.event for row in outbox(system, upload.id) if row.event is not Event.UPLOAD_RECEIVED]


def record(system: System, taken: Claim, report: ScanReport, version: str = "7-1-2") -> bool:
    with system.work() as uow:
        return claims.record(uow, taken, report, version)


def hand_back(system: System, taken: Claim, *, counted: bool) -> bool:
    with system.work() as uow:
        return claims.hand_back(uow, taken, counted=counted)


def test_a_claim_names_what_was_sealed(system: System, upload: Upload) -> None:
    taken = held(system, upload)
    assert (taken.sha256, taken.size) == (upload.sha256, upload.size)
    now = fresh(system, upload.id)
    assert (now.state, now.attempts, now.epoch) == (UploadState.SCANNING, 1, 1)


def test_a_second_claimer_gets_nothing_while_the_lease_lasts(system: System, upload: Upload) -> None:
    held(system, upload)
    pass_time(system, upload.id, system.settings.scan_lease - 5)
    assert claim(system, upload) is None
    assert fresh(system, upload.id).attempts == 1


def test_an_expired_lease_is_taken_over_and_the_old_claim_writes_nothing(
    system: System, upload: Upload
) -> None:
    """F4: whoever froze past its lease finds itself fenced off."""
    old = held(system, upload)
    pass_time(system, upload.id, system.settings.scan_lease + 1)
    new = held(system, upload)
    assert new.epoch == old.epoch + 1
    before = fresh(system, upload.id)
    with system.work() as uow:
        assert not leases.renew(uow, old)
    assert not hand_back(system, old, counted=True)
    assert not record(system, old, report_on(old))
    now = fresh(system, upload.id)
    assert (now.state, now.lease_until, now.scan) == (UploadState.SCANNING, before.lease_until, None)
    assert told(system, upload) == []
    assert record(system, new, report_on(new, Verdict.INFECTED))
    assert not record(system, old, report_on(old))
    assert fresh(system, upload.id).state is UploadState.INFECTED
    assert deeds(system, upload.id)[-1] == "upload.infected"


def test_renewing_keeps_a_lease(system: System, upload: Upload) -> None:
    taken = held(system, upload)
    pass_time(system, upload.id, system.settings.scan_lease - 1)
    with system.work() as uow:
        assert leases.renew(uow, taken)
    pass_time(system, upload.id, system.settings.scan_lease - 1)
    assert claim(system, upload) is None


@pytest.mark.parametrize("state", sorted(set(UploadState) - {UploadState.SEALED, UploadState.SCANNING}))
def test_nothing_else_can_be_claimed(system: System, sender: Actor, state: UploadState) -> None:
    upload = make_upload(system, sender, state)
    assert claim(system, upload) is None
    assert fresh(system, upload.id).state is state


def test_scans_that_end_without_a_verdict_are_counted_until_it_is_unscannable(
    system: System, upload: Upload
) -> None:
    """F14: a bundle that breaks every scan does not come back for ever."""
    for _ in range(system.settings.scan_attempts):
        assert hand_back(system, held(system, upload), counted=True)
        assert fresh(system, upload.id).state is UploadState.SEALED
        assert claim(system, upload) is None, "it rests first"
        pass_time(system, upload.id, 10)
    assert claim(system, upload) is None
    now = fresh(system, upload.id)
    assert now.state is UploadState.UNSCANNABLE
    assert now.reason
    assert "3 times" in now.reason
    assert now.obstacle is Obstacle.SCANNER_CRASH
    assert deeds(system, upload.id)[-1] == "upload.unscannable"
    assert set(told(system, upload)) == {Event.UPLOAD_UNSCANNABLE}


def test_a_scanner_that_is_away_costs_no_attempt(system: System, upload: Upload) -> None:
    """F12: however long it lasts."""
    for _ in range(3 * system.settings.scan_attempts):
        assert hand_back(system, held(system, upload), counted=False)
        pass_time(system, upload.id, 10)
    now = fresh(system, upload.id)
    assert (now.state, now.attempts) == (UploadState.SEALED, 0)
    taken = held(system, upload)
    assert record(system, taken, report_on(taken))
    assert fresh(system, upload.id).state is UploadState.CLEAN


@pytest.mark.parametrize("other", [{"sha256": "0" * 64}, {"size": 1}])
def test_a_verdict_on_other_bytes_says_that_they_changed(
    system: System, upload: Upload, other: dict[str, str]
) -> None:
    taken = held(system, upload)
    assert record(system, taken, replace(report_on(taken), **other))  # type: ignore[arg-type]
    now = fresh(system, upload.id)
    assert now.state is UploadState.INTEGRITY_FAILED
    assert now.reason == "The stored bytes are not those that were received."
    assert now.scan is None
    assert told(system, upload) == []


def test_a_verdict_is_bound_to_what_was_read(system: System, upload: Upload) -> None:
    taken = held(system, upload)
    assert record(system, taken, report_on(taken), "restored-from-backup")
    now = fresh(system, upload.id)
    assert now.scan
    assert now.scan.storage_version == now.storage_version == "restored-from-backup"
    assert (now.state, now.lease_until) == (UploadState.CLEAN, None)


def test_a_deleted_upload_takes_no_verdict(system: System, upload: Upload) -> None:
    taken = held(system, upload)
    with system.work() as uow:
        removal.delete(uow, upload.id, "Asked for.")
    assert not record(system, taken, report_on(taken))
    assert fresh(system, upload.id).state is UploadState.DELETED
    assert told(system, upload) == [], "but in the daily mail"


def test_five_doorbells_give_one_verdict_and_one_set_of_mails(committed: System) -> None:
    """F5: delivered five times, to five workers at once."""
    make_account(committed, Role.ENGINEER)
    upload = make_upload(committed, make_actor(committed))

    def work_off() -> bool:
        with committed.work() as uow:
            taken = claims.claim(uow, upload.id, TESTED)
        if taken is None:
            return False
        with committed.work() as uow:
            return claims.record(uow, taken, report_on(taken), "7-1-2")

    assert sorted(map(str, race(5, work_off))) == ["False"] * 4 + ["True"]
    assert fresh(committed, upload.id).state is UploadState.CLEAN
    assert deeds(committed, upload.id).count("upload.clean") == 1
    assert told(committed, upload) == [Event.UPLOAD_CLEAN] * 2, "one to the engineer, one to the sender"


def test_a_scan_during_which_the_gate_was_closed_proves_nothing(committed: System) -> None:
    """T24: though it be open again when the scan ends."""
    upload = make_upload(committed, make_actor(committed))
    taken = held(committed, upload)
    for reason in ("It missed the test virus.", None):
        with committed.work() as uow:
            gate.report(uow, [], named(TESTED), reason)
    assert not record(committed, taken, report_on(taken))
    assert fresh(committed, upload.id).state is UploadState.SEALED
