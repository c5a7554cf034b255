"""The release before runs on the new schema: it knows neither holds nor tombstones. F22, T15."""

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from app.domain.lifecycle import UploadState
from app.domain.policy import Actor
from app.domain.retention import NAMELESS
from app.jobs import keeping, periodic
from app.models import Delivery, Scan, Upload
from app.services import audit, holding
from app.services.intake import records
from app.services.intake.records import Announcement
from app.system import System
from tests.factories.keeping import WHY, admin
from tests.factories.mailbox import spread_all
from tests.factories.uploads import make_upload
from tests.integration.looking import pass_time


def row(system: System, upload: Upload) -> Upload:
    with system.work() as uow:
        return uow.session.get_one(Upload, upload.id, populate_existing=True)


def end_as_before(system: System, upload: Upload, state: UploadState) -> None:
    """Write what the release before writes."""
    with system.work() as uow:
        uow.session.execute(update(Upload).where(Upload.id == upload.id).values(state=state, reason="Gone."))
        audit.record(uow, f"upload.{state}", upload=uow.session.get_one(Upload, upload.id))


def test_it_deletes_nothing_that_is_held(system: System, sender: Actor) -> None:
    upload = make_upload(system, sender, UploadState.CLEAN)
    with system.work(admin(system)) as uow:
        holding.hold(uow, upload.id, WHY)
    with pytest.raises(IntegrityError, match="held_is_not_deleted"):
        end_as_before(system, upload, UploadState.DELETED)


def test_what_it_deletes_becomes_a_tombstone(system: System, sender: Actor) -> None:
    upload, other = (make_upload(system, sender, UploadState.CLEAN, filename="named.tgz") for _ in range(2))
    spread_all(system)
    end_as_before(system, upload, UploadState.DELETED)
    assert keeping.scrub_deleted(system) == {"scrubbed": 1}
    assert keeping.scrub_deleted(system) is None
    gone = row(system, upload)
    assert (gone.filename, gone.deleted_by, gone.reason) == (NAMELESS, "system", "Gone.")
    assert gone.deleted_at == gone.active_at
    assert gone.sha256 == upload.sha256
    with system.work() as uow:
        assert set(uow.session.scalars(select(Scan.upload_id))) == {other.id}
        assert set(uow.session.scalars(select(Delivery.upload_id))) == {other.id}
    assert row(system, other).filename == "named.tgz"


def part(system: System, sender: Actor) -> Upload:
    announced = Announcement(door="tus", filename="named.tgz", size=100, note="of mine", partial=True)
    with system.work(sender) as uow:
        begun = records.start(uow, announced, "filesystem")
        begun.echoed = {"Upload-Metadata": "filename bmFtZWQudGd6"}
    return begun


def nothing_is_said(system: System, upload: Upload) -> None:
    gone = row(system, upload)
    assert (gone.filename, gone.note, gone.echoed) == (NAMELESS, None, None)
    assert gone.deleted_at
    assert gone.deleted_by == "system"


def test_a_part_that_is_given_up_says_nothing_any_more(system: System, sender: Actor) -> None:
    begun = part(system, sender)
    pass_time(system, begun.id, 100 * 24 * 3600)
    periodic.abandon_stale(system)
    assert row(system, begun).state is UploadState.ABANDONED
    nothing_is_said(system, begun)


def test_nor_does_one_that_the_release_before_gave_up(system: System, sender: Actor) -> None:
    begun = part(system, sender)
    end_as_before(system, begun, UploadState.ABANDONED)
    keeping.scrub_deleted(system)
    nothing_is_said(system, begun)


def test_a_whole_one_that_is_given_up_keeps_its_name(system: System, sender: Actor) -> None:
    upload = make_upload(system, sender, UploadState.ABANDONED, filename="named.tgz")
    assert row(system, upload).filename == "named.tgz"
    assert keeping.scrub_deleted(system) is None
