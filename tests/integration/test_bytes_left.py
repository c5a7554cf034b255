"""What a store does not remove is not passed over, is said, and keeps nothing else from going. T15."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from sqlalchemy import text

from app.adapters.storage.filesystem import FilesystemStorage
from app.adapters.storage.s3 import objects
from app.adapters.storage.s3.storage import S3Storage
from app.domain.errors import DependencyError
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor
from app.jobs import keeping, periodic
from app.jobs.recording import Recorder
from app.jobs.schedule import Periodic
from app.jobs.scheduler import _once
from app.models import StepRun, Upload
from app.services import removal, steps
from app.system import System
from tests.factories.keeping import pass_days, run, set_policy
from tests.factories.uploads import make_upload
from tests.integration.looking import fresh, hours_later
from tests.s3servers import S3Server

CLEAN = UploadState.CLEAN


def deleted(system: System, sender: Actor, minutes: int) -> Upload:
    """Delete an upload whose bytes are left behind, so many minutes ago."""
    upload = make_upload(system, sender, CLEAN)
    with system.work() as uow:
        removal.delete(uow, upload.id)
        at = "UPDATE upload SET deleted_at = now() - :ago * interval '1 minute' WHERE id = :id"
        uow.session.execute(text(at), {"ago": minutes, "id": upload.id})
    return upload


def keys(system: System) -> set[str]:
    return {key for key, _ in system.adapters.storage.stored()}


def once(system: System, step: Callable[[System], Any]) -> StepRun:
    """Run a step as the scheduler does; return what the health page has of it."""
    periodic_ = Periodic(step, every=60)
    _once(system, periodic_, Recorder(system, periodic_))
    with system.work() as uow:
        return uow.session.get_one(StepRun, periodic_.name, populate_existing=True)


@pytest.fixture
def versioned(system: System, moto: S3Server) -> System:
    storage = S3Storage(moto.account(moto.bucket(versioned=True)))
    return replace(system, adapters=replace(system.adapters, storage=storage))


def denied(*_arguments: object) -> None:
    raise ClientError({"Error": {"Code": "AccessDenied"}}, "DeleteObjects")


@pytest.mark.parametrize("step", [keeping.remove_deleted, periodic.remove_strays])
def test_what_may_not_be_deleted_turns_the_step_red(
    versioned: System, sender: Actor, monkeypatch: pytest.MonkeyPatch, step: Callable[[System], Any]
) -> None:
    upload = deleted(versioned, sender, 5)
    with hours_later(), monkeypatch.context() as patch:
        patch.setattr(objects, "_delete", denied)
        assert not versioned.adapters.storage.delete(upload.storage_key)
        for _ in range(2):
            seen = once(versioned, step)
            assert seen.failures
            assert "delete every version" in (seen.error or "")
            assert seen.result.get("removed", 0) == 0
            assert seen.result["looked at"] == (0 if step is keeping.remove_deleted else 1)
    assert keys(versioned) == {upload.storage_key}
    with hours_later():
        seen = once(versioned, step)
    assert (seen.error, seen.failures) == (None, 0)
    assert keys(versioned) == set()


def test_one_that_never_goes_keeps_no_other(
    system: System, sender: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is it forgotten, however far the others have come."""
    poison, _ = deleted(system, sender, 5), deleted(system, sender, 4)
    delete = FilesystemStorage.delete

    def fail(storage: FilesystemStorage, key: str) -> bool:
        if key == poison.storage_key:
            raise DependencyError("This one cannot be removed.")
        return delete(storage, key)

    with monkeypatch.context() as patch:
        patch.setattr(FilesystemStorage, "delete", fail)
        assert "1 deleted bundles" in (once(system, keeping.remove_deleted).error or "")
        assert keys(system) == {poison.storage_key}
        deleted(system, sender, 3)
        assert once(system, keeping.remove_deleted).error
        assert keys(system) == {poison.storage_key}
    assert once(system, keeping.remove_deleted).error is None
    assert keys(system) == set()
    with system.work() as uow:
        place = steps.last_result(uow, "remove_deleted")["stores"]["filesystem"]
    assert place["left"] == []
    assert place["after"]


def test_a_store_that_is_away_is_waited_for(
    system: System, sender: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "_LEFT", 2)
    uploads = [deleted(system, sender, 9 - number) for number in range(5)]
    tried: list[str] = []

    def away(_storage: FilesystemStorage, key: str) -> bool:
        tried.append(key)
        raise DependencyError("The store is away.")

    with monkeypatch.context() as patch:
        patch.setattr(FilesystemStorage, "delete", away)
        for _ in range(2):
            assert once(system, keeping.remove_deleted).error
    assert tried == [upload.storage_key for upload in uploads[:2]] * 2
    assert once(system, keeping.remove_deleted).error is None
    assert keys(system) == set()


def test_a_store_that_is_not_set_up_keeps_no_other(system: System, sender: Actor) -> None:
    gone, _ = deleted(system, sender, 5), deleted(system, sender, 4)
    elsewhere(system, gone)
    assert "lay in old, which is not set up here" in (once(system, keeping.remove_deleted).error or "")
    assert keys(system) == {gone.storage_key}


def test_nor_does_it_when_its_time_is_over(system: System, sender: Actor) -> None:
    set_policy(system, sender.organisation_id, 10)
    first, second = make_upload(system, sender, CLEAN), make_upload(system, sender, CLEAN)
    elsewhere(system, first)
    pass_days(system, 9)
    run(system)
    pass_days(system, 2)
    assert keeping.delete_due(system) == {"deleted": 2, "bytes left": 1}
    assert fresh(system, second.id).state is UploadState.DELETED
    assert keys(system) == {first.storage_key}


def elsewhere(system: System, upload: Upload) -> None:
    with system.work() as uow:
        uow.session.execute(text("UPDATE upload SET storage_name = 'old' WHERE id = :id"), {"id": upload.id})
