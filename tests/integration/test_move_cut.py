"""`flask storage move`, when it dies or somebody else is faster: every row names a whole bundle."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from app.adapters.storage.filesystem import FilesystemStorage
from app.adapters.storage.s3 import objects
from app.adapters.storage.s3.storage import S3Storage
from app.domain.errors import StorageFullError
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor, Role
from app.domain.verdict import Verdict
from app.jobs import periodic
from app.jobs.recheck import recheck_stored
from app.services import moving, removal
from app.services.moving import Bundle, Copy
from app.services.scanning import claims, leases, rescans
from app.system import System
from app.uow import UnitOfWork
from tests.dying import Arrange, Killed, after, before
from tests.factories.direct import with_bucket
from tests.factories.people import make_actor
from tests.factories.uploads import make_upload
from tests.fakes import FakeScanner
from tests.integration.looking import fresh, hours_later, pass_time
from tests.integration.mover import TGZ, content_of, keys, run
from tests.integration.rescanning import ask, claim, report_on
from tests.s3servers import S3Server

S = UploadState


@pytest.fixture
def disk(system: System) -> System:
    return system


@pytest.fixture
def both(system: System, moto: S3Server) -> System:
    """Give the product with a bucket for what is new; what is on the disk is read there."""
    return with_bucket(system, moto)


STEPS = [
    before(S3Storage, "append"),
    after(S3Storage, "append"),
    before(S3Storage, "seal"),
    after(S3Storage, "seal"),
    before(S3Storage, "settle"),
    after(S3Storage, "settle"),
    after(moving, "check"),
    before(moving, "repoint"),
    before(FilesystemStorage, "delete"),
    after(FilesystemStorage, "delete"),
]


@pytest.mark.parametrize("die", STEPS)
def test_killed_between_any_two_steps(
    disk: System, both: System, sender: Actor, monkeypatch: pytest.MonkeyPatch, die: Arrange
) -> None:
    """F12: the row names a whole bundle, the next run finishes, and nothing stays behind."""
    upload = make_upload(disk, sender, S.CLEAN, content=TGZ)
    with monkeypatch.context() as patch:
        die(patch)
        with pytest.raises(Killed):
            run(both, "--to", "s3")
    assert content_of(both, upload.id) == TGZ
    assert run(both, "--to", "s3").exit_code == 0
    assert content_of(both, upload.id) == TGZ
    monkeypatch.setattr(periodic, "_SETTLING", -1)  # the leavings of the dead are old by now
    periodic.remove_strays(both)
    (on_disk,), in_bucket = both.adapters.other_stores, both.adapters.storage
    assert keys(on_disk) == set()
    assert keys(in_bucket) == {fresh(both, upload.id).storage_key}
    assert content_of(both, upload.id) == TGZ


@pytest.mark.parametrize("meanwhile", ["scanned", "deleted", "moved"])
def test_a_row_that_changed_meanwhile_is_left(
    disk: System, both: System, sender: Actor, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    """F14: of two who want the row one wins; the copy that nobody names is removed."""
    upload = make_upload(disk, sender, content=TGZ)
    copy = moving.copy

    def interfere(*arguments: Any) -> moving.Copy:
        monkeypatch.setattr(moving, "copy", copy)
        made = copy(*arguments)
        if meanwhile == "scanned":
            with both.work() as uow:
                assert claims.claim(uow, upload.id, FakeScanner().engine())
        elif meanwhile == "deleted":
            with both.work(make_actor(both, Role.ADMIN)) as uow:
                removal.delete(uow, upload.id, "Not needed any more.")
        else:
            assert "1 bundles moved" in run(both, "--to", "s3").output
        return made

    monkeypatch.setattr(moving, "copy", interfere)
    result = run(both, "--to", "s3")
    assert result.exit_code == 1
    assert "It was scanned, moved or deleted meanwhile, or this took too long." in result.output
    now = fresh(both, upload.id)
    assert now.storage_name == ("s3" if meanwhile == "moved" else "filesystem")
    assert keys(both.adapters.storage) == ({now.storage_key} if meanwhile == "moved" else set())
    if meanwhile != "deleted":
        assert content_of(both, upload.id) == TGZ


def test_a_full_store_stops_the_run(
    disk: System, both: System, sender: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:

    upload = make_upload(disk, sender, S.CLEAN, content=TGZ)

    def full(*_arguments: object) -> str:
        raise StorageFullError("The storage is full.")

    monkeypatch.setattr(S3Storage, "seal", full)
    result = run(both, "--to", "s3")
    assert result.exit_code == 1
    assert "The storage is full." in result.output
    assert keys(both.adapters.storage) == set()
    assert content_of(both, upload.id) == TGZ


@pytest.mark.parametrize("target", ["s3", "filesystem"])
def test_a_mover_that_was_frozen_too_long_changes_nothing(
    disk: System, both: System, sender: Actor, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    """F14: its copy, which no row names, may have been swept away; the bundle is where it was."""
    upload = make_upload(disk if target == "s3" else both, sender, S.CLEAN, content=TGZ)
    repoint = moving.repoint

    def late(uow: UnitOfWork, bundle: Bundle, made: Copy) -> None:
        with hours_later():
            periodic.remove_strays(both)
        repoint(uow, bundle, replace(made, began=made.began - timedelta(seconds=moving.PATIENCE)))

    with monkeypatch.context() as patch:
        patch.setattr(moving, "repoint", late)
        result = run(both, "--to", target)
    assert result.exit_code == 1
    assert "or this took too long." in result.output
    assert content_of(both, upload.id) == TGZ
    assert run(both, "--to", target).exit_code == 0
    assert content_of(both, upload.id) == TGZ


def test_the_sweeper_waits_for_longer_than_a_move_may_take(
    disk: System, both: System, sender: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And time is taken before the first byte of the copy, by the database."""
    assert periodic._SETTLING >= 2 * moving.PATIENCE
    make_upload(disk, sender, S.CLEAN, content=TGZ)
    append, at = S3Storage.append, []

    def note(*arguments: object) -> object:
        with both.work() as uow:
            at.append(moving.now(uow))
        return append(*arguments)  # type: ignore[arg-type]

    def look(_uow: UnitOfWork, _bundle: Bundle, made: Copy) -> None:
        at.insert(0, made.began)

    monkeypatch.setattr(S3Storage, "append", note)
    monkeypatch.setattr(moving, "repoint", look)
    run(both, "--to", "s3")
    assert at == sorted(at)
    assert len(set(at)) == 2


def test_a_frozen_worker_writes_nothing_about_what_has_moved(
    disk: System, both: System, sender: Actor
) -> None:
    """F14: its lease was over, so the bundle was free to go; its version is not the row's any more."""
    upload = make_upload(disk, sender, S.CLEAN, content=TGZ)
    ask(disk, upload)
    taken = claim(disk, upload)
    assert taken
    pass_time(disk, upload.id, disk.settings.scan_lease + 1)
    assert run(both, "--to", "s3").exit_code == 0
    report = report_on(taken, Verdict.CLEAN, complete=True)
    with disk.work() as uow:
        assert not leases.renew(uow, taken)
        assert not rescans.record(uow, taken, report, taken.storage_version)
    recheck_stored(both)
    assert fresh(both, upload.id).state is S.CLEAN
    assert content_of(both, upload.id) == TGZ


def test_what_may_not_be_deleted_is_said_at_once(
    disk: System, both: System, sender: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The roles of the web, say. Otherwise there would be two of everything, and none the wiser."""
    uploads = [make_upload(both, sender, S.CLEAN, content=TGZ) for _ in range(2)]

    def denied(*_arguments: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "DeleteObjects")

    with monkeypatch.context() as patch:
        patch.setattr(objects, "_delete", denied)
        result = run(both, "--to", "filesystem")
    assert result.exit_code == 1
    assert "could not be deleted" in result.output
    assert sorted(fresh(both, upload.id).storage_name for upload in uploads) == ["filesystem", "s3"]
    assert [content_of(both, upload.id) for upload in uploads] == [TGZ] * 2
    with hours_later():
        periodic.remove_strays(both)
    assert len(keys(both.adapters.storage)) == 1
