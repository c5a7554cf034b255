"""A clock moved by days: words, ends, longer times and holds fall where they should."""

import threading
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from app.domain.events import Event
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor, Role
from app.domain.retention import RetentionSince
from app.jobs import keeping
from app.models import EventRecord, Upload
from app.services import cases, downloads, retention
from app.system import System
from tests.factories.keeping import (
    WHY,
    case_of,
    hear_at_once,
    organisation,
    pass_days,
    run,
    set_case_policy,
    set_policy,
    state_after,
    write_dates,
)
from tests.factories.mailbox import send_all
from tests.factories.people import make_actor
from tests.factories.uploads import make_upload
from tests.fakes import FakeMailer
from tests.integration.looking import deeds, details, fresh

DELETED, CLEAN = UploadState.DELETED, UploadState.CLEAN


def told(system: System, upload_id: UUID, event: Event = Event.UPLOAD_DELETION_DUE) -> int:
    with system.work() as uow:
        query = select(EventRecord.id).where(EventRecord.upload_id == upload_id, EventRecord.event == event)
        return len(uow.session.scalars(query).all())


def state(system: System, upload: Upload) -> UploadState:
    return fresh(system, upload.id).state


def download(system: System, upload: Upload) -> None:
    with system.work(make_actor(system, Role.ENGINEER)) as uow:
        asked, leave = downloads.leave_for_all(uow, upload.id)
        downloads.note(uow, asked, leave, None)


def test_from_receiving_to_the_end(system: System, sender: Actor) -> None:
    set_policy(system, sender.organisation_id, 30)
    upload = make_upload(system, sender, CLEAN)
    assert upload.sealed_at
    assert upload.expires_at
    assert (upload.expires_at - upload.sealed_at).days == 30
    assert organisation(system, sender.organisation_id).used_uploads == 1
    pass_days(system, 22.9)
    run(system)
    assert told(system, upload.id) == 0
    pass_days(system, 0.2)
    for _ in range(3):
        run(system)
    assert told(system, upload.id) == 1, "once per date"
    pass_days(system, 6.8)
    run(system)
    assert state(system, upload) is CLEAN
    pass_days(system, 0.2)
    run(system)
    gone = fresh(system, upload.id)
    assert (gone.state, gone.deleted_by) == (DELETED, "system")
    assert gone.reason == "Kept for 30 days since it was received, as agreed."
    assert details(system, upload.id)[-1] == {"reason": gone.reason}
    assert deeds(system, upload.id)[-1] == "upload.deleted"
    assert list(system.adapters.storage.stored()) == []
    home = organisation(system, sender.organisation_id)
    assert (home.used_bytes, home.used_uploads) == (0, 0)
    assert told(system, upload.id, Event.UPLOAD_DELETED) == 1
    assert told(system, upload.id) == 0, "what was told of it has gone with it"


def test_kept_a_day_people_hear_half_a_day_before(system: System, sender: Actor) -> None:
    set_policy(system, sender.organisation_id, 1)
    upload = make_upload(system, sender, CLEAN)
    pass_days(system, 0.49)
    run(system)
    assert told(system, upload.id) == 0
    pass_days(system, 0.02)
    run(system)
    assert told(system, upload.id) == 1


def test_a_sudden_policy_deletes_nothing_without_a_word_before(system: System, sender: Actor) -> None:
    """The portal may have been away, too."""
    upload = make_upload(system, sender, CLEAN)
    pass_days(system, 400)
    set_policy(system, sender.organisation_id, 30)
    for _ in range(2):
        run(system)
    assert (state(system, upload), told(system, upload.id)) == (CLEAN, 1)
    pass_days(system, 0.4)
    run(system)
    assert state(system, upload) is CLEAN
    pass_days(system, 0.2)
    run(system)
    assert state(system, upload) is DELETED


def test_a_download_counts_anew(system: System, sender: Actor) -> None:
    set_policy(system, sender.organisation_id, 30, RetentionSince.DOWNLOADED)
    upload, other = make_upload(system, sender, CLEAN), make_upload(system, sender, CLEAN)
    pass_days(system, 29)
    download(system, upload)
    assert state_after(system, upload.id, 2) is CLEAN
    assert state(system, other) is DELETED
    assert state_after(system, upload.id, 29) is DELETED
    assert fresh(system, upload.id).reason == "Kept for 30 days since it was last downloaded, as agreed."


def test_an_open_case_keeps_its_bundles(system: System, sender: Actor) -> None:
    set_policy(system, sender.organisation_id, 10, RetentionSince.CLOSED)
    upload, loose = make_upload(system, sender, CLEAN, case="CS-1"), make_upload(system, sender, CLEAN)
    assert upload.expires_at is None
    assert state_after(system, upload.id, 300) is CLEAN
    assert state(system, loose) is DELETED, "without a case from receiving"
    with system.work(make_actor(system, Role.ENGINEER)) as uow:
        closed = cases.close(uow, case_of(uow, "CS-1").id)
    write_dates(system)
    expires_at = fresh(system, upload.id).expires_at
    assert expires_at
    assert closed.closed_at
    assert (expires_at - closed.closed_at).days == 10
    with system.work(make_actor(system, Role.ENGINEER)) as uow:
        cases.reopen(uow, closed.id)
    assert state_after(system, upload.id, 50) is CLEAN
    with system.work(make_actor(system, Role.ENGINEER)) as uow:
        cases.close(uow, closed.id)
    assert state_after(system, upload.id, 11) is DELETED


def test_a_case_has_its_own_time_and_a_bundle_moves_into_it(system: System, sender: Actor) -> None:
    set_policy(system, sender.organisation_id, 10)
    upload, other = make_upload(system, sender, CLEAN), make_upload(system, sender, CLEAN, case="CS-1")
    with system.work() as uow:
        case = case_of(uow, "CS-1")
    set_case_policy(system, case.id, 100, RetentionSince.RECEIVED)
    with system.work(make_actor(system, Role.ENGINEER)) as uow:
        moved = cases.attach(uow, upload.id, "CS-1")
    assert moved.expires_at
    assert moved.sealed_at
    assert (moved.expires_at - moved.sealed_at).days == 100
    assert state_after(system, upload.id, 50) is CLEAN
    set_case_policy(system, case.id, None, RetentionSince.RECEIVED)
    run(system)
    assert state_after(system, other.id, 1) is DELETED


def test_longer_where_somebody_asked(system: System, sender: Actor) -> None:
    set_policy(system, sender.organisation_id, 10)
    upload = make_upload(system, sender, CLEAN)
    with system.work(make_actor(system, Role.ENGINEER)) as uow:
        until = (upload.expires_at or upload.created_at).replace(year=upload.created_at.year + 1)
        kept = retention.keep(uow, upload.id, until, WHY)
    assert kept.expires_at == until
    assert state_after(system, upload.id, 300) is CLEAN
    assert "upload.kept" in deeds(system, upload.id)
    assert state_after(system, upload.id, 100) is DELETED


@pytest.mark.parametrize("end", [UploadState.REJECTED, UploadState.ABANDONED])
def test_the_name_of_what_never_arrived_goes_too(system: System, sender: Actor, end: UploadState) -> None:
    set_policy(system, sender.organisation_id, 10)
    upload = make_upload(system, sender, end, filename="named.tgz")
    pass_days(system, 11)
    run(system)
    gone = fresh(system, upload.id)
    assert (gone.state, gone.filename) == (DELETED, "Deleted bundle")
    assert told(system, upload.id, Event.UPLOAD_DELETED) == 0


def test_nobody_is_mailed_a_date_that_is_no_more(system: System, sender: Actor, mailer: FakeMailer) -> None:
    set_policy(system, sender.organisation_id, 10)
    hear_at_once(system, sender)
    upload, other = (make_upload(system, sender, CLEAN, filename=name) for name in ("a.tgz", "b.tgz"))
    send_all(system, mailer)
    pass_days(system, 9)
    run(system)
    with system.work(make_actor(system, Role.ENGINEER)) as uow:
        until = (upload.expires_at or upload.created_at) + timedelta(days=40)
        retention.keep(uow, upload.id, until, WHY)
    mails = [mail.text for mail in send_all(system, mailer)]
    assert len(mails) == 1
    assert str(other.id) in mails[0]


def test_the_rule_is_asked_before_anything_goes(system: System, sender: Actor) -> None:
    """The date in the row is not rewritten yet."""
    set_policy(system, sender.organisation_id, 10)
    upload = make_upload(system, sender, CLEAN)
    pass_days(system, 8)
    run(system)
    pass_days(system, 3)
    with system.work() as uow:
        organisation_row = organisation(system, sender.organisation_id)
        organisation_row.retention_days = 30
        uow.session.merge(organisation_row)
    keeping.delete_due(system)
    now = fresh(system, upload.id)
    assert now.state is CLEAN
    assert now.expires_at
    assert now.sealed_at
    assert (now.expires_at - now.sealed_at).days == 30


def test_two_schedulers_at_once_delete_each_bundle_once(committed: System) -> None:
    sender = make_actor(committed)
    set_policy(committed, sender.organisation_id, 10)
    uploads = [make_upload(committed, sender, CLEAN) for _ in range(6)]
    pass_days(committed, 9)
    run(committed)
    pass_days(committed, 2)
    start = threading.Barrier(2)

    def scheduler() -> None:
        start.wait(10)
        keeping.delete_due(committed)

    threads = [threading.Thread(target=scheduler) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    keeping.delete_due(committed)  # what either left to the other
    for upload in uploads:
        assert fresh(committed, upload.id).state is DELETED
        assert deeds(committed, upload.id).count("upload.deleted") == 1
    home = organisation(committed, sender.organisation_id)
    assert (home.used_bytes, home.used_uploads) == (0, 0)
