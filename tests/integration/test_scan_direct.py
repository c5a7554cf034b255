"""The scan of what went straight to S3: it is the first to read it, and finds out what it is."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace

import pytest
from sqlalchemy import update

from app.adapters.storage.s3.storage import S3Storage
from app.domain.errors import NotFoundError
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor
from app.domain.verdict import Obstacle, StreamVerdict
from app.jobs.recheck import recheck_stored
from app.jobs.scan_upload import rescan_upload, scan_upload
from app.models import Upload
from app.ports import Storage
from app.services import integrity
from app.services.scanning import claims, rescans
from app.system import System
from tests.factories.bundles import make_tgz
from tests.factories.direct import bucket_of, make_direct, with_bucket
from tests.fakes import FakeScanner
from tests.integration.looking import deeds, fresh, pass_time
from tests.s3servers import S3Server

TGZ = make_tgz({"etc/hostname": b"web-01\n"})
VIRUS = make_tgz({"etc/hostname": FakeScanner.MARKER})
SHA256 = hashlib.sha256(TGZ).hexdigest()
OTHER = "0" * 64


@pytest.fixture
def system(system: System, moto: S3Server) -> System:
    return with_bucket(system, moto)


def scanned(system: System, upload: Upload) -> Upload:
    scan_upload(system, str(upload.id))
    return fresh(system, upload.id)


def test_the_scan_says_what_it_is(system: System, sender: Actor, moto: S3Server) -> None:
    """It is moved out of its sender's reach first, pinned to the version that was acknowledged."""
    sealed = make_direct(system, sender, TGZ)
    assert (sealed.sha256, str(sealed.storage_version).partition(":")[0]) == (None, "incoming")
    upload = scanned(system, sealed)
    assert (upload.state, upload.sha256) == (UploadState.CLEAN, SHA256)
    assert upload.scan
    assert upload.storage_version == upload.scan.storage_version
    assert str(upload.storage_version).startswith("files:")
    _, bucket = bucket_of(system)
    names = [item["Key"] for item in moto.client.list_objects_v2(Bucket=bucket)["Contents"]]
    assert f"files/{upload.storage_key}" in names
    assert not any(name.startswith("incoming/") for name in names)


def test_what_was_announced_holds(system: System, sender: Actor) -> None:
    assert scanned(system, make_direct(system, sender, TGZ, SHA256)).state is UploadState.CLEAN


def test_what_was_not_announced_is_never_clean(system: System, sender: Actor) -> None:
    """It was acknowledged, so it is kept; and no later scan forgets it."""
    upload = scanned(system, make_direct(system, sender, TGZ, OTHER))
    assert (upload.state, upload.obstacle) == (UploadState.UNSCANNABLE, Obstacle.DAMAGED)
    assert upload.sha256 == SHA256
    assert SHA256 in str(upload.reason)
    assert OTHER in str(upload.reason)
    with system.work(sender) as uow:
        rescans.ask(uow, upload.id)
    rescan_upload(system, str(upload.id))
    again = fresh(system, upload.id)
    assert (again.state, again.rescan_asked_at) == (UploadState.UNSCANNABLE, None)
    assert deeds(system, upload.id)[-1] == "upload.rescanned"


def test_a_virus_is_one_whatever_was_announced(system: System, sender: Actor) -> None:
    assert scanned(system, make_direct(system, sender, VIRUS, OTHER)).state is UploadState.INFECTED


def test_what_is_put_in_its_place_is_not_scanned_for_it(
    system: System, sender: Actor, moto: S3Server
) -> None:
    """T26, T27: between the acknowledgement and the move, nobody's other bytes count."""
    upload = make_direct(system, sender, VIRUS)
    store, bucket = bucket_of(system)
    moto.client.put_object(Bucket=bucket, Key=f"incoming/{upload.storage_key}", Body=TGZ)
    assert scanned(system, upload).state is UploadState.INTEGRITY_FAILED
    with pytest.raises(NotFoundError):
        store.settle(upload.storage_key, str(upload.storage_version))


def test_what_is_put_in_place_of_the_moved_one_is_not_scanned_for_it(
    system: System, sender: Actor, moto: S3Server
) -> None:
    """T26, where no SHA-256 would tell: the worker died after the move."""
    upload = make_direct(system, sender, VIRUS)
    _, bucket = bucket_of(system)
    moved = crash(system, upload)
    assert str(moved.storage_version).startswith("files:")
    moto.client.put_object(Bucket=bucket, Key=f"files/{upload.storage_key}", Body=TGZ)
    assert scanned(system, upload).state is UploadState.INTEGRITY_FAILED


def test_what_has_vanished_is_tried_again(system: System, sender: Actor) -> None:
    """A store that is away, or looks empty, says nothing of the bundle."""
    upload = make_direct(system, sender, TGZ)
    system.adapters.storage.delete(upload.storage_key)
    assert scanned(system, upload).state is UploadState.SEALED


class Dying(FakeScanner):
    """Says who it is, and breaks over the first stream."""

    def scan(self, chunks: Iterable[bytes | memoryview]) -> StreamVerdict:
        raise RuntimeError(f"out of memory over {chunks}")


def crash(system: System, upload: Upload) -> Upload:
    """Let one scan of the upload break off, and a while pass."""
    broken = replace(system, adapters=replace(system.adapters, scanner=Dying()))
    scan_upload(broken, str(upload.id))
    pass_time(system, upload.id, 3600)
    return fresh(system, upload.id)


def test_a_worker_that_died_after_the_move_costs_nothing(system: System, sender: Actor) -> None:
    """F12: the next one finds it moved, whether or not the row says so."""
    upload = make_direct(system, sender, TGZ)
    store, _ = bucket_of(system)
    store.settle(upload.storage_key, str(upload.storage_version))
    assert scanned(system, upload).state is UploadState.CLEAN


def test_one_that_no_scan_could_read_is_no_damage(
    system: System, sender: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has a verdict and no SHA-256: looking at it again must not call it changed."""
    upload = make_direct(system, sender, TGZ)
    for _ in range(system.settings.scan_attempts + 1):
        ended = crash(system, upload)
    assert (ended.state, ended.sha256) == (UploadState.UNSCANNABLE, None)
    looked_at = []
    check = integrity.check

    def look(storage: Storage, stored: integrity.Stored) -> tuple[bool, str | None]:
        looked_at.append(stored.upload_id)
        return check(storage, stored)

    monkeypatch.setattr(integrity, "check", look)
    recheck_stored(system)
    assert looked_at == [upload.id]
    assert fresh(system, upload.id).state is UploadState.UNSCANNABLE


def test_a_lost_lease_moves_no_row(system: System, sender: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    """F14: a worker that froze while the store copied leaves the row to who has the claim now."""
    upload = make_direct(system, sender, TGZ)
    settle = S3Storage.settle

    def freeze(store: S3Storage, key: str, version: str) -> str:
        moved = settle(store, key, version)
        pass_time(system, upload.id, 3600)
        with system.work() as uow:
            assert claims.claim(uow, upload.id, FakeScanner().engine())
        return moved

    monkeypatch.setattr(S3Storage, "settle", freeze)
    left = scanned(system, upload)
    assert (left.state, left.storage_version) == (UploadState.SCANNING, upload.storage_version)


def test_what_a_worker_has_just_moved_is_no_damage(system: System, sender: Actor) -> None:
    """T26: the row does not say so yet, or the worker died; a scan tells, and nothing is accused."""
    upload = make_direct(system, sender, TGZ)
    values = {"state": UploadState.UNSCANNABLE, "obstacle": Obstacle.SCANNER_CRASH}
    with system.work() as uow:
        uow.session.execute(update(Upload).where(Upload.id == upload.id).values(values))
    store, _ = bucket_of(system)
    store.settle(upload.storage_key, str(upload.storage_version))
    recheck_stored(system)
    asked = fresh(system, upload.id)
    assert asked.state is UploadState.UNSCANNABLE
    assert asked.rescan_asked_at is not None
    rescan_upload(system, str(upload.id))
    assert fresh(system, upload.id).state is UploadState.CLEAN


def test_what_is_put_in_place_of_one_that_no_scan_could_read_is_damage(
    system: System, sender: Actor, moto: S3Server
) -> None:
    """T26: the scan that is asked for finds it out."""
    upload = make_direct(system, sender, VIRUS)
    for _ in range(system.settings.scan_attempts + 1):
        ended = crash(system, upload)
    assert (ended.state, ended.scan) == (UploadState.UNSCANNABLE, None)
    _, bucket = bucket_of(system)
    moto.client.put_object(Bucket=bucket, Key=f"files/{upload.storage_key}", Body=TGZ)
    recheck_stored(system)
    rescan_upload(system, str(upload.id))
    assert fresh(system, upload.id).state is UploadState.INTEGRITY_FAILED
