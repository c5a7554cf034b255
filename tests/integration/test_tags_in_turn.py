"""Which bundles are tagged first, what stops none of the others, and what puts a wrong tag right. T24."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, update

from app.adapters.storage.s3.storage import S3Storage
from app.domain.errors import DependencyError, PortalError, StateConflictError
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor, Role
from app.domain.scan_status import ScanStatus
from app.jobs import tagging as job
from app.jobs.scan_upload import rescan_upload, scan_upload
from app.jobs.tagging import tag_again, tag_stored
from app.models import Upload
from app.services import quarantine, tagging
from app.services.scanning import rescans
from app.system import System
from tests import dying
from tests.factories.bucket_policy import tag_of
from tests.factories.bundles import make_tgz
from tests.factories.direct import bucket_of, make_direct, with_bucket
from tests.factories.people import make_actor
from tests.factories.quarantine import REASON
from tests.factories.uploads import make_upload
from tests.fakes import FakeScanner
from tests.integration.looking import fresh
from tests.s3servers import S3Server

S = UploadState
TGZ = make_tgz({"etc/hostname": b"web-01\n"})


@pytest.fixture
def system(system: System, moto: S3Server) -> System:
    return with_bucket(system, moto)


def written(system: System, upload: Upload, moto: S3Server, side: str = "") -> str | None:
    return tag_of(moto.client, bucket_of(system)[1], f"files/{upload.storage_key}{side}")


def noted(system: System, upload: Upload) -> str | None:
    return fresh(system, upload.id).tagged


def untag(system: System, upload: Upload, *, ago: int | None) -> None:
    """Let its tag be unknown for ``ago`` seconds; None: since before there were tags."""
    at = None if ago is None else func.now() - timedelta(seconds=ago)
    with system.work() as uow:
        change = update(Upload).where(Upload.id == upload.id).values(tagged=None, untagged_at=at)
        uow.session.execute(change)


def refuse(
    monkeypatch: pytest.MonkeyPatch, bad: Iterable[Upload], error: PortalError | None = None
) -> list[str]:
    """Let the store take no tag for these; return the keys of which a tag was to be written, as they come."""
    real, keys, asked = S3Storage.tag, {each.storage_key for each in bad}, list[str]()

    def tag(store: S3Storage, key: str, version: str, status: ScanStatus) -> None:
        asked.append(key)
        if key in keys:
            raise error or DependencyError("AccessDenied for this one")
        real(store, key, version, status)

    monkeypatch.setattr(S3Storage, "tag", tag)
    return asked


@pytest.mark.parametrize("ago", [None, 60], ids=["leftovers", "changed lately"])
@pytest.mark.parametrize(
    "error", [DependencyError("AccessDenied"), StateConflictError("odd")], ids=["away", "else"]
)
def test_five_that_cannot_be_tagged_keep_no_other_waiting(
    system: System, sender: Actor, monkeypatch: pytest.MonkeyPatch, ago: int | None, error: PortalError
) -> None:
    uploads = sorted((make_upload(system, sender, S.CLEAN) for _ in range(7)), key=lambda each: each.id)
    for older, upload in enumerate(uploads):
        untag(system, upload, ago=ago and ago + older)
    refuse(monkeypatch, uploads[:5], error)
    for _ in range(20):  # the place where it begins among leftovers is drawn
        with pytest.raises(DependencyError, match="could not be written"):
            tag_stored(system)
        if noted(system, uploads[6]):
            break
    assert noted(system, uploads[6]) == "clean"
    assert noted(system, uploads[0]) is None


def test_only_failures_in_a_row_end_a_run(
    system: System, sender: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads = sorted((make_upload(system, sender, S.CLEAN) for _ in range(12)), key=lambda each: each.id)
    refuse(monkeypatch, uploads[::2])
    with pytest.raises(DependencyError, match="The tags of 6 bundles"):
        tag_stored(system)
    assert [noted(system, each) for each in uploads[1::2]] == ["clean"] * 6


def test_the_newest_change_comes_first_and_before_all_leftovers(
    system: System, sender: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, older, newer = (make_upload(system, sender, S.CLEAN) for _ in range(3))
    untag(system, left, ago=None)
    untag(system, older, ago=60)
    untag(system, newer, ago=1)
    asked = refuse(monkeypatch, ())
    tag_stored(system)
    assert asked == [newer.storage_key, older.storage_key, left.storage_key]


def test_a_release_is_written_though_there_is_no_time_for_anything_else(
    system: System, sender: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    leftovers = [make_upload(system, sender, S.CLEAN) for _ in range(3)]
    for upload in leftovers:
        untag(system, upload, ago=None)
    held = make_upload(system, sender, S.UNSCANNABLE)
    with system.work(make_actor(system, Role.ENGINEER)) as uow:
        quarantine.release(uow, held.id, REASON)
    clock = iter(range(1000))
    monkeypatch.setattr(job, "monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(job, "_SECONDS", 2.5)
    refuse(monkeypatch, leftovers)
    with pytest.raises(DependencyError):
        tag_stored(system)
    assert noted(system, held) == "salvage"


def test_a_run_ends_soon_however_much_there_is(
    system: System, sender: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    for ago in (None, 5) * 4:
        untag(system, make_upload(system, sender, S.CLEAN), ago=ago)
    clock = [0.0]
    real = S3Storage.tag

    def slow(*args: Any) -> None:
        clock[0] += 2
        real(*args)

    monkeypatch.setattr(job, "monotonic", lambda: clock[0])
    monkeypatch.setattr(S3Storage, "tag", slow)
    tag_stored(system)
    assert clock[0] <= 15
    tag_again(system)
    assert clock[0] <= 25


def test_a_word_that_came_too_late_is_written_over(
    system: System, sender: Actor, moto: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker stalls over "clean", another writes "infected"; then the first's word arrives, and it dies."""
    upload = make_upload(system, sender, S.CLEAN)
    real = S3Storage.tag

    def stall(store: S3Storage, key: str, version: str, status: ScanStatus) -> None:
        monkeypatch.setattr(S3Storage, "tag", real)
        with system.work() as uow:
            uow.session.execute(update(Upload).where(Upload.id == upload.id).values(state=S.INFECTED))
        tagging.write(system.work, system.adapters, upload.id)
        real(store, key, version, status)
        raise dying.Killed

    monkeypatch.setattr(S3Storage, "tag", stall)
    with pytest.raises(dying.Killed):
        tagging.write(system.work, system.adapters, upload.id)
    assert (noted(system, upload), written(system, upload, moto)) == ("infected", "clean")
    assert tag_stored(system) is None, "nobody knows"
    tag_again(system)
    assert written(system, upload, moto) == "infected"


def test_in_a_round_each_is_written_again_whatever_fails(
    system: System, sender: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads = sorted((make_upload(system, sender, S.CLEAN) for _ in range(8)), key=lambda each: each.id)
    tag_stored(system)
    monkeypatch.setattr(job, "_BATCH", 3)
    asked = refuse(monkeypatch, uploads[:5])
    for _ in range(2):
        with pytest.raises(DependencyError):
            tag_again(system)
    assert (tag_again(system) or {})["tagged"] == 2
    assert asked == [each.storage_key for each in uploads]
    with pytest.raises(DependencyError):  # the next round
        tag_again(system)
    assert asked[8:] == asked[:3]


def test_a_rescan_that_dies_after_it_put_what_lies_beside_leaves_it_readable(
    system: System, sender: Actor, moto: S3Server
) -> None:
    """F12. The web is never denied to look inside, not even until the scan is begun again."""
    upload = make_direct(system, sender, TGZ)
    scan_upload(system, str(upload.id))
    name = f"files/{upload.storage_key}.members"
    before = moto.client.head_object(Bucket=bucket_of(system)[1], Key=name)["VersionId"]
    with system.work(make_actor(system, Role.ENGINEER)) as uow:
        rescans.ask(uow, upload.id)
    with pytest.MonkeyPatch.context() as patch:
        dying.before(rescans, "record")(patch)
        with pytest.raises(dying.Killed):
            rescan_upload(system, str(upload.id))
    assert moto.client.head_object(Bucket=bucket_of(system)[1], Key=name)["VersionId"] != before
    assert [written(system, upload, moto, side) for side in (".members", ".gzidx")] == ["clean"] * 2


def test_a_first_scan_puts_them_there_without_a_word(
    system: System, sender: Actor, moto: S3Server, scanner: FakeScanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = make_direct(system, sender, TGZ)
    monkeypatch.setattr(tagging, "write", lambda *_: False)
    scan_upload(system, str(upload.id))
    assert fresh(system, upload.id).state is S.CLEAN
    assert written(system, upload, moto, ".members") is None
