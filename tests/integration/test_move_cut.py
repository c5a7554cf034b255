"""`flask storage move`, when it dies or somebody else is faster: every row names a whole bundle."""

from collections.abc import Iterator

import pytest

from app.adapters.storage.filesystem import FilesystemStorage
from app.adapters.storage.s3.storage import S3Storage
from app.domain.errors import StorageFullError
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor, Role
from app.jobs import periodic
from app.services import moving, removal
from app.services.scanning import claims
from app.system import System
from tests.factories.direct import with_bucket
from tests.factories.people import make_actor
from tests.factories.uploads import make_upload
from tests.integration.looking import fresh
from tests.integration.mover import TGZ, content_of, keys, run
from tests.s3servers import S3Server

S = UploadState


class Killed(BaseException):
    """The process dies here."""


@pytest.fixture
def disk(system: System) -> System:
    return system


@pytest.fixture
def both(system: System, moto: S3Server) -> System:
    """Give the product with a bucket for what is new; what is on the disk is read there."""
    return with_bucket(system, moto)


STEPS = [
    (S3Storage, "append", "before"),
    (S3Storage, "append", "after"),
    (S3Storage, "seal", "before"),
    (S3Storage, "seal", "after"),
    (S3Storage, "settle", "before"),
    (S3Storage, "settle", "after"),
    (moving, "check", "after"),
    (moving, "repoint", "before"),
    (FilesystemStorage, "delete", "before"),
    (FilesystemStorage, "delete", "after"),
]


@pytest.mark.parametrize(("owner", "step", "when"), STEPS)
def test_killed_between_any_two_steps(
    disk: System,
    both: System,
    sender: Actor,
    monkeypatch: pytest.MonkeyPatch,
    owner: object,
    step: str,
    when: str,
) -> None:
    """F12: the row names a whole bundle, the next run finishes, and nothing stays behind."""
    upload = make_upload(disk, sender, S.CLEAN, content=TGZ)
    with monkeypatch.context() as patch:
        done = getattr(owner, step)

        def die(*arguments: object, **named: object) -> Iterator[None]:
            if when == "after":
                done(*arguments, **named)
            raise Killed

        patch.setattr(owner, step, die)
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
    repoint = moving.repoint

    def interfere(*arguments: object) -> None:
        monkeypatch.setattr(moving, "repoint", repoint)
        if meanwhile == "scanned":
            with both.work() as uow:
                assert claims.claim(uow, upload.id)
        elif meanwhile == "deleted":
            with both.work(make_actor(both, Role.ADMIN)) as uow:
                removal.delete(uow, upload.id, "Not needed any more.")
        else:
            assert "1 bundles moved" in run(both, "--to", "s3").output
        repoint(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(moving, "repoint", interfere)
    result = run(both, "--to", "s3")
    assert result.exit_code == 1
    assert "It was scanned, moved or deleted meanwhile." in result.output
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
