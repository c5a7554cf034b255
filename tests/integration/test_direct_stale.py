"""Uploads straight to S3 that nobody goes on with: given up as late as tus ones, and nothing stays behind."""

import pytest

from app.domain.lifecycle import UploadState
from app.domain.policy import Actor
from app.jobs import periodic
from app.services.intake import direct, records
from app.services.intake.records import Announcement
from app.system import System
from tests.factories.direct import bucket_of, with_bucket
from tests.integration.looking import fresh, pass_time
from tests.s3servers import S3Server


@pytest.fixture
def system(system: System, moto: S3Server) -> System:
    return with_bucket(system, moto)


def unfinished(moto: S3Server, bucket: str) -> list[str]:
    found = moto.client.list_multipart_uploads(Bucket=bucket)
    return [begun["Key"] for begun in found.get("Uploads", [])]


def test_it_is_given_up_when_its_time_is_over(system: System, sender: Actor, moto: S3Server) -> None:
    """F20: the parts that have arrived are freed too."""
    store, bucket = bucket_of(system)
    with system.work(sender) as uow:
        upload = direct.start(uow, Announcement("direct", "a.tgz", 99), store.name)
    begun = store.begin_parts(upload.storage_key)
    with system.work(sender) as uow:
        direct.note_begun(uow, upload.id, begun)
    moto.client.upload_part(
        Bucket=bucket, Key=f"incoming/{upload.storage_key}", UploadId=begun, PartNumber=1, Body=b"some"
    )
    day = 24 * 3600
    pass_time(system, upload.id, 6.9 * day)
    periodic.abandon_stale(system)
    assert fresh(system, upload.id).state is UploadState.RECEIVING
    with system.work(sender) as uow:
        records.checkpoint(uow, upload.id, 4)  # asked for another address: it goes on
    pass_time(system, upload.id, 6.9 * day)
    periodic.abandon_stale(system)
    assert fresh(system, upload.id).state is UploadState.RECEIVING
    assert unfinished(moto, bucket) == [f"incoming/{upload.storage_key}"]
    pass_time(system, upload.id, 0.2 * day)
    periodic.abandon_stale(system)
    given_up = fresh(system, upload.id)
    assert (given_up.state, given_up.held_bytes) == (UploadState.ABANDONED, None)
    assert unfinished(moto, bucket) == []


def test_what_has_no_row_is_swept(
    system: System, sender: Actor, moto: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F20: begun, and the row was never committed; what belongs to a row stays."""
    store, bucket = bucket_of(system)
    with system.work(sender) as uow:
        upload = direct.start(uow, Announcement("direct", "a.tgz", 99), store.name)
    store.begin_parts(upload.storage_key)
    store.begin_parts(f"{upload.uploader_id}/{upload.uploader_id}")
    monkeypatch.setattr(periodic, "_SETTLING", -1)
    periodic.remove_strays(system)
    assert unfinished(moto, bucket) == [f"incoming/{upload.storage_key}"]


def test_what_was_never_begun_is_given_up_sooner(system: System, sender: Actor) -> None:
    """F20: whoever began it died before the store's name for it was noted; nobody was told of it."""
    store, _ = bucket_of(system)
    with system.work(sender) as uow:
        upload = direct.start(uow, Announcement("direct", "a.tgz", 99), store.name)
    pass_time(system, upload.id, system.settings.abandoned_after - 60)
    periodic.abandon_stale(system)
    assert fresh(system, upload.id).state is UploadState.RECEIVING
    pass_time(system, upload.id, 61)
    periodic.abandon_stale(system)
    assert fresh(system, upload.id).state is UploadState.ABANDONED
