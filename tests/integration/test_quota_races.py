"""Room for so many, and more who want it at once: T8, I8."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from uuid import UUID

import pytest

from app.domain.errors import PortalError
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor
from app.models import Upload
from app.services import removal
from app.services.intake import completion, records
from app.services.intake.records import Announcement
from app.services.quota import QuotaError, TooManyOpenError
from app.system import System
from app.uow import UnitOfWork
from tests.factories.bundles import make_tgz
from tests.factories.people import make_actor
from tests.factories.quotas import counted, set_quota, summed
from tests.factories.uploads import make_upload
from tests.integration.looking import race

TGZ = make_tgz({"etc/hostname": b"web-01\n"})
SIZE = len(TGZ)


@pytest.fixture
def actor(committed: System) -> Actor:
    return make_actor(committed)


def send(system: System, actor: Actor, case: str | None = None) -> Upload:
    """Send a bundle as a door does."""
    with system.work(actor) as uow:
        upload = records.start(uow, Announcement("put", "a.tgz", SIZE, case=case), "filesystem")
    storage = system.adapters.storage
    with storage.append(upload.storage_key, 0) as sink:
        sink.write(memoryview(TGZ))
    sealed = completion.complete(
        storage,
        upload.storage_key,
        size=SIZE,
        declared_size=SIZE,
        sha256=hashlib.sha256(TGZ).hexdigest(),
        declared_sha256=frozenset(),
    )
    with system.work(actor) as uow:
        return records.seal(uow, upload.id, size=SIZE, sha256=sealed.sha256, version=sealed.version)


@pytest.mark.parametrize("limit", [{"size": 5 * SIZE}, {"uploads": 5}], ids=["bytes", "count"])
def test_of_twenty_into_room_for_five_exactly_five_are_sealed(
    committed: System, actor: Actor, limit: dict[str, int]
) -> None:
    """T8; every second one names a case that is new to everybody, so that locks could form a circle."""
    set_quota(committed, actor.organisation_id, **limit)
    numbers = count()
    outcomes = race(20, lambda: send(committed, actor, "CS-NEW" if next(numbers) % 2 else None))
    sealed = [one for one in outcomes if isinstance(one, Upload)]
    refused = [one for one in outcomes if isinstance(one, PortalError)]
    assert (len(sealed), len(refused)) == (5, 15)
    assert {type(error) for error in refused} == {QuotaError}
    assert counted(committed, actor.organisation_id) == summed(committed, actor.organisation_id)
    assert counted(committed, actor.organisation_id) == (5 * SIZE, 5)


def test_what_comes_free_is_free_for_exactly_as_many(committed: System, actor: Actor) -> None:
    """T8: the counter is exact after abort, expiry, refusal and deletion, all at once."""
    begun = [make_upload(committed, actor, UploadState.RECEIVING) for _ in range(9)]
    stored = [make_upload(committed, actor) for _ in range(3)]
    set_quota(committed, actor.organisation_id, size=12 * SIZE)
    ends: Iterator[Callable[[UnitOfWork, UUID], object]] = iter(
        [lambda uow, id_: records.abandon(uow, id_, "Cancelled by the sender.")] * 5
        + [lambda uow, id_: records.reject(uow, id_, "Not a bundle.")] * 4
        + [lambda uow, id_: removal.delete(uow, id_, "Deleted.")] * 3
    )
    ids = iter([upload.id for upload in [*begun, *stored]])
    lock = threading.Lock()

    def end_one() -> None:
        with lock:
            end, upload_id = next(ends), next(ids)
        with committed.work(actor) as uow:
            end(uow, upload_id)

    assert race(12, end_one) == [None] * 12
    assert counted(committed, actor.organisation_id) == (0, 0)
    outcomes = race(16, lambda: send(committed, actor))
    assert sum(isinstance(one, Upload) for one in outcomes) == 12
    assert counted(committed, actor.organisation_id) == (12 * SIZE, 12)


def test_ending_twice_gives_back_once(committed: System, actor: Actor) -> None:
    kept, ended = (make_upload(committed, actor, UploadState.RECEIVING) for _ in range(2))

    def end() -> None:
        with committed.work(actor) as uow:
            records.abandon(uow, ended.id, "Cancelled by the sender.")

    outcomes = race(8, end)
    assert outcomes.count(None) == 1
    assert counted(committed, actor.organisation_id) == (kept.held_bytes, 1)


def test_of_twenty_that_begin_at_once_no_more_than_the_limit_do(committed: System, actor: Actor) -> None:
    tight = replace(committed, settings=committed.settings.model_copy(update={"max_open_uploads": 5}))

    def begin() -> Upload:
        with tight.work(actor) as uow:
            return records.start(uow, Announcement("tus", "a.tgz", SIZE), "filesystem")

    outcomes = race(20, begin)
    assert sum(isinstance(one, Upload) for one in outcomes) == 5
    refused = [one for one in outcomes if not isinstance(one, Upload)]
    assert {type(error) for error in refused} == {TooManyOpenError}
    assert counted(committed, actor.organisation_id) == (5 * SIZE, 5)
    with tight.work(colleague := make_actor(committed)) as uow:
        assert (
            records.start(uow, Announcement("tus", "a.tgz", SIZE), "filesystem").uploader_id == colleague.id
        )
