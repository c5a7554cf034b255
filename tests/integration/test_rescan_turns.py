"""Which bundles are scanned again, in which order, and for whom they wait: F6, I11."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.domain.errors import NotFoundError, StateConflictError
from app.domain.jobs import JobName
from app.domain.lifecycle import RESCANNABLE, UploadState
from app.domain.policy import Actor, Role
from app.domain.verdict import Engine, StreamResult, StreamVerdict
from app.jobs import periodic
from app.jobs.scan_upload import rescan_upload
from app.models import Upload
from app.services import engine, gate
from app.services.scanning import due
from app.system import System
from tests.factories.people import make_actor
from tests.factories.uploads import ENGINE, make_upload
from tests.fakes import FakeQueue, FakeScanner
from tests.integration.looking import deeds, details, fresh, race
from tests.integration.rescanning import ask

S = UploadState


def known(system: System, answer: Engine | None = None) -> None:
    """Let the portal know of an engine, by default the one that answers."""
    with system.work() as uow:
        engine.report(uow, answer or system.adapters.scanner.engine())


def grow_old(system: System, upload: Upload, days: float) -> None:
    with system.work() as uow:
        older = Upload.created_at - timedelta(days=days)
        uow.session.execute(update(Upload).where(Upload.id == upload.id).values(created_at=older))


def clean(system: System, sender: Actor, *ages: float) -> list[Upload]:
    """Make ready bundles that came so many days ago."""
    uploads = [make_upload(system, sender, S.CLEAN) for _ in ages]
    for upload, days in zip(uploads, ages, strict=True):
        grow_old(system, upload, days)
    system.adapters.queue.rung.clear()  # type: ignore[attr-defined]
    return uploads


def rung(queue: FakeQueue, job: JobName = JobName.RESCAN_UPLOAD) -> list[str]:
    return [argument for name, argument in queue.rung if name is job]


def work_off(system: System, queue: FakeQueue) -> None:
    """Do what the bells of second scans ask for, in order."""
    bells = rung(queue)
    queue.rung.clear()
    for upload_id in bells:
        rescan_upload(system, upload_id)


def test_newer_signatures_look_at_ready_bundles_again_the_newest_first(
    system: System, sender: Actor, queue: FakeQueue
) -> None:
    known(system)
    uploads = clean(system, sender, 3, 1, 2, 29, 31)
    for state in (S.INFECTED, S.UNSCANNABLE, S.DELETED):
        make_upload(system, sender, state)
    queue.rung.clear()
    periodic.ring_outdated(system)
    assert rung(queue) == [str(uploads[number].id) for number in (1, 2, 0, 3)]
    work_off(system, queue)
    for upload in uploads[:4]:
        assert deeds(system, upload.id)[-1] == "upload.rescanned"
        assert fresh(system, upload.id).scanned_for == "1"
    assert deeds(system, uploads[4].id)[-1] == "upload.clean", "it is older than thirty days"
    periodic.ring_outdated(system)
    assert rung(queue) == [], "that is all"


def test_a_few_at_a_time(system: System, sender: Actor, queue: FakeQueue) -> None:
    known(system)
    clean(system, sender, *range(25))
    periodic.ring_outdated(system)
    assert len(rung(queue)) == 20
    periodic.ring_outdated(system)
    assert len(rung(queue)) == 20, "bells hang"
    work_off(system, queue)
    periodic.ring_outdated(system)
    assert len(rung(queue)) == 5


def test_each_edition_is_seen_with_its_own_newest(system: System, sender: Actor) -> None:
    """The editions that bundles were scanned with lie apart in the index."""
    uploads = clean(system, sender, 0, 1, 2, 3, 4)
    with system.work() as uow:
        for upload, edition in zip(uploads, ("", "27450", "27451", "27450", "27452"), strict=True):
            uow.session.execute(update(Upload).where(Upload.id == upload.id).values(scanned_for=edition))
        ids = [upload.id for upload in uploads]
        assert due.newest_outdated(uow, "27451", 3) == [ids[0], ids[1], ids[3]]
        assert due.newest_outdated(uow, "27453", 9) == ids
        assert due.newest_outdated(uow, "27450", 9) == [ids[0], ids[2], ids[4]]


def test_the_local_test_signatures_have_no_versions(system: System, sender: Actor, queue: FakeQueue) -> None:
    """Nothing would ever be up to date."""
    known(system, ENGINE)
    clean(system, sender, 1)
    periodic.ring_outdated(system)
    assert rung(queue) == []


def test_a_scanner_that_has_not_the_newer_signatures_yet_is_of_no_use(
    system: System, sender: Actor, queue: FakeQueue
) -> None:
    known(system, Engine("Fake 1.0", "2"))
    (upload,) = clean(system, sender, 1)
    periodic.ring_outdated(system)
    assert rung(queue) == [str(upload.id)]
    work_off(system, queue)
    assert fresh(system, upload.id).scan.signatures == ENGINE.signatures  # type: ignore[union-attr]


@pytest.mark.parametrize("state", [S.SEALED, S.SCANNING])
def test_nothing_is_begun_while_a_new_upload_waits_or_is_scanned(
    system: System, sender: Actor, queue: FakeQueue, state: UploadState
) -> None:
    known(system)
    (upload,) = clean(system, sender, 1)
    make_upload(system, sender, state)
    queue.rung.clear()
    periodic.ring_outdated(system)
    assert rung(queue) == []
    rescan_upload(system, str(upload.id))
    assert deeds(system, upload.id)[-1] == "upload.clean"


def test_nothing_is_begun_while_the_gate_is_closed(system: System, sender: Actor, queue: FakeQueue) -> None:
    """T24."""
    known(system)
    clean(system, sender, 1)
    with system.work() as uow:
        gate.report(uow, [], "x", "It missed the test virus.")
    periodic.ring_outdated(system)
    assert rung(queue) == []


def test_what_people_ask_for_goes_first(system: System, sender: Actor, queue: FakeQueue) -> None:
    known(system)
    (upload,) = clean(system, sender, 1)
    wanted = make_upload(system, sender, S.UNSCANNABLE)
    make_upload(system, sender)  # nor does that wait for new uploads: somebody sits before the page
    ask(system, wanted)
    queue.rung.clear()
    periodic.ring_outdated(system)
    rescan_upload(system, str(upload.id))
    assert deeds(system, upload.id)[-1] == "upload.clean"
    periodic.ring_rescans(system)
    assert rung(queue) == [str(wanted.id)], "the bell was lost"
    work_off(system, queue)
    assert fresh(system, wanted.id).state is S.CLEAN


def test_a_failed_try_is_not_repeated_with_the_same_signatures(
    system: System, sender: Actor, scanner: FakeScanner, queue: FakeQueue
) -> None:
    known(system)
    (upload,) = clean(system, sender, 1)
    scanner.answers = {b"web-01": StreamVerdict(StreamResult.LIMIT, "Heuristics.Limits.Exceeded.MaxScanSize")}
    periodic.ring_outdated(system)
    work_off(system, queue)
    now = fresh(system, upload.id)
    assert (now.state, now.scanned_for) == (S.CLEAN, "1")
    assert "MaxScanSize" in details(system, upload.id)[-1]["reason"]
    periodic.ring_outdated(system)
    assert rung(queue) == []
    known(system, Engine("Fake 1.0", "2"))
    periodic.ring_outdated(system)
    assert rung(queue) == [str(upload.id)]


def test_five_doorbells_give_one_scan(committed: System, scanner: FakeScanner) -> None:
    """F5: delivered five times, to five workers at once."""
    upload = make_upload(committed, make_actor(committed), S.CLEAN)
    ask(committed, upload)
    assert race(5, lambda: rescan_upload(committed, str(upload.id))) == [None] * 5
    assert deeds(committed, upload.id).count("upload.rescanned") == 1
    assert fresh(committed, upload.id).epoch == 2
    assert len(scanner.streams) == 1


@pytest.mark.parametrize("state", S)
def test_only_what_has_a_verdict_can_be_scanned_again(
    system: System, sender: Actor, queue: FakeQueue, state: UploadState
) -> None:
    upload = make_upload(system, sender, state)
    queue.rung.clear()
    if state not in RESCANNABLE:
        with pytest.raises(StateConflictError):
            ask(system, upload)
        assert fresh(system, upload.id).rescan_asked_at is None
        return
    rescan_upload(system, str(upload.id))
    assert fresh(system, upload.id).epoch == upload.epoch, "nobody asked"
    engineer = make_actor(system, Role.ENGINEER)
    ask(system, upload, engineer)
    ask(system, upload, engineer)
    assert queue.rung == [(JobName.RESCAN_UPLOAD, str(upload.id))] * 2
    assert deeds(system, upload.id).count("upload.rescan_asked") == 1
    with pytest.raises(NotFoundError):
        ask(system, upload, make_actor(system))
