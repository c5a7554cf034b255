"""`flask storage move`: one whole bundle after another, each read back before its row is changed."""

import hashlib
from typing import get_args

import pytest
from sqlalchemy import update

from app.domain.lifecycle import UploadState
from app.domain.policy import Actor
from app.jobs.recheck import recheck_stored
from app.jobs.scan_upload import scan_upload
from app.models import Upload
from app.ports import Side
from app.system import System
from tests.factories.direct import make_direct, with_bucket
from tests.factories.uploads import make_upload
from tests.integration.looking import deeds, fresh
from tests.integration.mover import TGZ, content_of, keys, run
from tests.s3servers import S3Server

S = UploadState


@pytest.fixture
def disk(system: System) -> System:
    return system


@pytest.fixture
def both(system: System, moto: S3Server) -> System:
    """Give the product with a bucket for what is new; what is on the disk is read there."""
    return with_bucket(system, moto)


def test_there_and_back(disk: System, both: System, sender: Actor) -> None:
    uploads = [
        make_upload(disk, sender, state, content=TGZ) for state in (S.CLEAN, S.INFECTED, S.UNSCANNABLE)
    ]
    before = {upload.id: (upload.state, upload.reason) for upload in uploads}
    (on_disk,), in_bucket = both.adapters.other_stores, both.adapters.storage
    for target, full, empty in (("s3", in_bucket, on_disk), ("filesystem", on_disk, in_bucket)):
        result = run(both, "--to", target)
        assert result.exit_code == 0, result.output
        assert f"3 bundles moved to {target}, 0 left where they are." in result.output
        assert keys(empty) == set()
        assert keys(full) == {fresh(both, upload.id).storage_key for upload in uploads}
        for upload in uploads:
            now = fresh(both, upload.id)
            assert (now.state, now.reason) == before[upload.id]
            assert now.storage_name == target
            assert content_of(both, upload.id) == TGZ
            assert deeds(both, upload.id)[-1] == "upload.moved"
    recheck_stored(both)
    assert [fresh(both, upload.id).state for upload in uploads] == [upload.state for upload in uploads]


def test_what_lies_beside_it_comes_along(disk: System, both: System, sender: Actor) -> None:
    upload = make_upload(disk, sender, content=TGZ)
    scan_upload(disk, str(upload.id))
    sides: dict[Side, bytes] = {}
    for side in get_args(Side):
        with disk.adapters.storage.open_side(upload.storage_key, side) as file:
            sides[side] = file.read()
    assert run(both, "--to", "s3").exit_code == 0
    moved = fresh(both, upload.id)
    for side, content in sides.items():
        with both.adapters.storage.open_side(moved.storage_key, side) as file:
            assert file.read() == content


def test_a_dry_run_moves_nothing(disk: System, both: System, sender: Actor) -> None:
    upload = make_upload(disk, sender, S.CLEAN, content=TGZ)
    result = run(both, "--to", "s3", "--dry-run")
    assert f"would move {upload.id} bundle.tgz" in result.output
    assert "1 bundles to move to s3" in result.output
    assert keys(both.adapters.storage) == set()
    assert fresh(both, upload.id).storage_name == "filesystem"


def test_a_limit_is_kept_and_the_rest_follows(disk: System, both: System, sender: Actor) -> None:
    for _ in range(3):
        make_upload(disk, sender, S.CLEAN, content=TGZ)
    assert "2 bundles moved" in run(both, "--to", "s3", "--limit", "2").output
    assert "1 bundles moved" in run(both, "--to", "s3").output
    assert "0 bundles moved" in run(both, "--to", "s3").output


def test_a_store_that_is_not_set_up_is_said_so(disk: System) -> None:
    result = run(disk, "--to", "s3")
    assert result.exit_code == 1
    assert "not set up" in result.output


def test_what_is_under_way_is_left(disk: System, both: System, sender: Actor) -> None:
    """It is being received, being scanned, deleted: none of that is a whole bundle at rest."""
    for state in (S.RECEIVING, S.SCANNING, S.DELETED):
        make_upload(disk, sender, state, content=TGZ)
    assert "0 bundles moved to s3, 0 left" in run(both, "--to", "s3").output


def test_what_no_scan_has_read_gets_its_sha256(both: System, sender: Actor) -> None:
    upload = make_direct(both, sender, TGZ)
    assert run(both, "--to", "filesystem").exit_code == 0
    moved = fresh(both, upload.id)
    assert (moved.state, moved.sha256) == (S.SEALED, hashlib.sha256(TGZ).hexdigest())
    scan_upload(both, str(upload.id))
    assert fresh(both, upload.id).state is S.CLEAN


def test_what_is_not_what_it_was_is_left_and_said(disk: System, both: System, sender: Actor) -> None:
    """T26: a copy would make damage look new and whole."""
    damaged, missing, whole = (make_upload(disk, sender, S.CLEAN, content=TGZ) for _ in range(3))
    with disk.work() as uow:
        uow.session.execute(update(Upload).where(Upload.id == damaged.id).values(sha256="0" * 64))
    disk.adapters.storage.delete(missing.storage_key)
    result = run(both, "--to", "s3")
    assert result.exit_code == 1
    assert "1 bundles moved to s3, 2 left where they are." in result.output
    assert f"left {damaged.id} bundle.tgz" in result.output
    assert "The stored file is missing." in result.output
    assert fresh(both, whole.id).storage_name == "s3"
    assert keys(both.adapters.storage) == {fresh(both, whole.id).storage_key}
