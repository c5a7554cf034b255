"""Stored objects are looked at again: what changed, vanished or rotted is said once, and blocked. T26."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import update

from app.domain.errors import DependencyError
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor, Role
from app.jobs import recheck
from app.jobs.recheck import recheck_stored
from app.models import Upload
from app.services import integrity
from app.services.integrity import Stored
from app.system import System
from tests.factories.people import make_actor
from tests.factories.uploads import make_upload
from tests.integration.looking import deeds, fresh, outbox, race

S = UploadState


def path_of(system: System, upload: Upload) -> Path:
    return system.settings.storage_root / "sealed" / upload.storage_key


def rot(system: System, upload: Upload) -> None:
    """Let the bytes be others than those that were received, in the very same file."""
    with system.work() as uow:
        uow.session.execute(update(Upload).where(Upload.id == upload.id).values(sha256="0" * 64))


def vanish(system: System, upload: Upload) -> None:
    path_of(system, upload).unlink()


def change(system: System, upload: Upload) -> None:
    path_of(system, upload).chmod(0o600)


@pytest.mark.parametrize("state", [S.CLEAN, S.INFECTED, S.UNSCANNABLE])
@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (rot, "The stored bytes are not those that were received."),
        (vanish, "The stored file is missing."),
        (change, "The stored file is no longer the one that was scanned."),
    ],
)
def test_damage_is_found_before_anybody_asks(
    system: System, sender: Actor, state: UploadState, damage: Callable[[System, Upload], None], reason: str
) -> None:
    """T26."""
    engineer = make_actor(system, Role.ENGINEER)
    whole, damaged = (make_upload(system, sender, state) for _ in range(2))
    before = fresh(system, whole.id), deeds(system, whole.id)
    recheck_stored(system)
    assert fresh(system, damaged.id).state is state, "nothing is wrong yet"
    damage(system, damaged)
    for _ in range(2):
        recheck_stored(system)
    now = fresh(system, damaged.id)
    assert (now.state, now.reason) == (S.INTEGRITY_FAILED, reason)
    assert deeds(system, damaged.id).count("upload.integrity_failed") == 1
    told = [mail.recipient for mail in outbox(system, damaged.id) if mail.event == "upload.integrity_failed"]
    assert told == [engineer.email]
    assert (fresh(system, whole.id).active_at, deeds(system, whole.id)) == (before[0].active_at, before[1])


def test_of_many_who_find_it_one_tells(committed: System) -> None:
    """A download, another, and the look at the store, at once."""
    sender = make_actor(committed)
    make_actor(committed, Role.ENGINEER)
    upload = make_upload(committed, sender, S.CLEAN)
    version = str(upload.storage_version)
    storage = committed.adapters.storage
    said = race(6, lambda: integrity.report(committed.work, storage, upload.id, version, "another"))
    assert sorted(map(bool, said)) == [False] * 5 + [True]
    assert deeds(committed, upload.id).count("upload.integrity_failed") == 1


def test_what_moved_on_is_not_accused(system: System, sender: Actor) -> None:
    """A bundle deleted, or scanned again in another file, while its download found the old one gone."""
    gone = make_upload(system, sender, S.DELETED)
    restored = make_upload(system, sender, S.CLEAN)
    for upload, version in ((gone, str(gone.storage_version)), (restored, "1-2-3")):
        assert not integrity.report(system.work, system.adapters.storage, upload.id, version, None)
        assert fresh(system, upload.id).state is upload.state


def test_a_store_that_is_empty_is_no_loss(system: System, sender: Actor) -> None:
    uploads = [make_upload(system, sender, S.CLEAN) for _ in range(3)]
    for upload in uploads:
        vanish(system, upload)
    with pytest.raises(DependencyError):
        recheck_stored(system)
    assert {fresh(system, upload.id).state for upload in uploads} == {S.CLEAN}


def test_it_gives_way_to_whoever_waits_for_a_scan(system: System, sender: Actor) -> None:
    damaged = make_upload(system, sender, S.CLEAN)
    rot(system, damaged)
    waiting = make_upload(system, sender, S.SEALED)
    recheck_stored(system)
    assert fresh(system, damaged.id).state is S.CLEAN
    with system.work() as uow:
        uow.session.execute(update(Upload).where(Upload.id == waiting.id).values(state=S.ABANDONED))
    recheck_stored(system)
    assert fresh(system, damaged.id).state is S.INTEGRITY_FAILED


def test_a_run_reads_so_much_and_no_more(
    system: System, sender: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An object over the limit has its turn too, when it comes first."""
    uploads = [make_upload(system, sender, S.CLEAN) for _ in range(3)]
    size = uploads[0].size or 0
    read: list[Stored] = []

    def check(_storage: object, stored: Stored) -> tuple[bool, str | None]:
        read.append(stored)
        return True, stored.version

    monkeypatch.setattr(integrity, "check", check)
    for limit, count in ((10 * size, 3), (2 * size, 2), (size // 2, 1)):
        monkeypatch.setattr(recheck, "_BYTES", limit)
        read.clear()
        recheck_stored(system)
        assert len(read) == count


def test_one_that_cannot_be_read_stops_no_other(
    system: System, sender: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bad disk says nothing about the bytes: no verdict falls, and the others have their turn."""
    uploads = [make_upload(system, sender, S.CLEAN) for _ in range(3)]
    tried: list[Stored] = []

    def broken(_storage: object, stored: Stored) -> tuple[bool, str | None]:
        tried.append(stored)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(integrity, "check", broken)
    recheck_stored(system)
    assert {stored.upload_id for stored in tried} == {upload.id for upload in uploads}
    assert {fresh(system, upload.id).state for upload in uploads} == {S.CLEAN}


def test_a_sample_begins_anywhere_and_misses_nobody(system: System, sender: Actor) -> None:
    uploads = {make_upload(system, sender, S.CLEAN).id for _ in range(4)}
    firsts = set()
    with system.work() as uow:
        for _ in range(200):
            found = [stored.upload_id for stored in integrity.sample(uow)]
            assert sorted(found) == sorted(uploads), "each once"
            firsts.add(found[0])
        assert len(integrity.sample(uow, 3)) == 3
    assert len(firsts) > 1
