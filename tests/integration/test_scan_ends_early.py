"""A scan that need not go on ends at the next read, and writes nothing: F4, F13."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from random import Random

import pytest
from sqlalchemy import update

from app.domain.lifecycle import UploadState
from app.domain.policy import Actor
from app.domain.verdict import Engine, StreamResult, StreamVerdict
from app.jobs.scan_upload import rescan_upload, scan_upload
from app.models import Upload
from app.services import engine
from app.services.scanning import rescans
from app.services.scanning.leases import Claim
from app.system import System
from app.uow import UnitOfWork
from tests.factories.bundles import make_tgz
from tests.factories.people import make_actor
from tests.factories.uploads import make_upload
from tests.fakes import FakeScanner
from tests.integration.looking import deeds, fresh, pass_time
from tests.live import eventually

#: More than is read ahead of the scanner.
LARGE = make_tgz({"noise": Random(1).randbytes(12_000_000)})


class Interrupted(FakeScanner):
    """While its first stream is on the way, does ``meanwhile``; then the rest of the stream flows."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__()
        self._meanwhile = meanwhile

    def scan(self, chunks: Iterable[bytes | memoryview]) -> StreamVerdict:
        if not self.streams:
            self.streams.append(0)
            self._meanwhile()
        return super().scan(chunks)


def interrupted(system: System, meanwhile: Callable[[], None]) -> System:
    settings = system.settings.model_copy(update={"scan_lease": 1, "scan_connections": 1})
    return replace(
        system, settings=settings, adapters=replace(system.adapters, scanner=Interrupted(meanwhile))
    )


def never_read_whole(system: System) -> bool:
    scanner = system.adapters.scanner
    assert isinstance(scanner, Interrupted)
    return sum(scanner.streams) < 12_000_000


@pytest.fixture
def ready(committed: System) -> Upload:
    """Give a large bundle that is ready, and was scanned with older signatures."""
    upload = make_upload(committed, make_actor(committed), UploadState.CLEAN, content=LARGE)
    with committed.work() as uow:
        engine.report(uow, Engine("Fake 1.0", "1"))
    return upload


def until_left(count: int) -> None:
    """Wait until so many heartbeats go on."""
    eventually(lambda: [each.name for each in threading.enumerate()].count("heartbeat") == count, "it", 10)


def test_a_lost_lease_ends_the_scan(committed: System) -> None:
    upload = make_upload(committed, make_actor(committed), content=LARGE)

    def another_takes_over() -> None:
        with committed.work() as uow:
            uow.session.execute(update(Upload).where(Upload.id == upload.id).values(epoch=2))
        until_left(0)

    system = interrupted(committed, another_takes_over)
    scan_upload(system, str(upload.id))
    now = fresh(committed, upload.id)
    assert never_read_whole(system)
    assert (now.state, now.epoch, now.attempts, now.scan) == (UploadState.SCANNING, 2, 1, None)
    assert deeds(committed, upload.id)[-1] == "upload.scanning"


def test_a_second_scan_gives_way_to_a_new_upload(committed: System, ready: Upload) -> None:
    """And goes on, or rather begins anew, when that has its verdict. It is ready all the while."""
    new: list[Upload] = []

    def somebody_sends() -> None:
        new.append(make_upload(committed, make_actor(committed)))
        until_left(1)

    system = interrupted(committed, somebody_sends)
    rescan_upload(system, str(ready.id))
    now = fresh(committed, ready.id)
    assert never_read_whole(system)
    assert (now.state, now.attempts, now.epoch) == (UploadState.CLEAN, 0, 2)
    pass_time(committed, ready.id, 10)
    rescan_upload(committed, str(ready.id))
    assert fresh(committed, ready.id).epoch == 2, "it is not its turn"
    scan_upload(committed, str(new[0].id))
    rescan_upload(committed, str(ready.id))
    assert deeds(committed, ready.id)[-1] == "upload.rescanned"


def test_one_that_people_asked_for_does_not(
    committed: System, ready: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[bool] = []
    gives_way = rescans.gives_way

    def look(uow: UnitOfWork, held: Claim) -> bool:
        looks.append(gives_way(uow, held))
        return looks[-1]

    def somebody_sends() -> None:
        make_upload(committed, make_actor(committed))
        eventually(lambda: looks, "a look around", 10)

    monkeypatch.setattr(rescans, "gives_way", look)
    with committed.work() as uow:
        rescans.ask(uow, ready.id)
    system = interrupted(committed, somebody_sends)
    rescan_upload(system, str(ready.id))
    assert looks[0] is False
    assert not never_read_whole(system)
    assert deeds(committed, ready.id)[-1] == "upload.rescanned"


@pytest.mark.parametrize("state", [UploadState.SEALED, UploadState.CLEAN])
def test_a_scanner_that_hangs_over_everything_is_no_verdict(
    system: System, sender: Actor, scanner: FakeScanner, monkeypatch: pytest.MonkeyPatch, state: UploadState
) -> None:
    """F13: the try counts, and the next one is made when the scanner answers again."""
    upload = make_upload(system, sender, state)
    if state is UploadState.CLEAN:
        with system.work() as uow:
            rescans.ask(uow, upload.id)
    job = scan_upload if state is UploadState.SEALED else rescan_upload

    def hang(_chunks: object) -> StreamVerdict:
        scanner.down = True
        return StreamVerdict(StreamResult.ERROR, "no answer within 120 seconds")

    with monkeypatch.context() as patch:
        patch.setattr(scanner, "scan", hang)
        job(system, str(upload.id))
    now = fresh(system, upload.id)
    assert (now.state, now.attempts) == (state, 1)
    scanner.down = False
    pass_time(system, upload.id, 10)
    job(system, str(upload.id))
    now = fresh(system, upload.id)
    assert (now.state, now.attempts) == (UploadState.CLEAN, 2)
    assert now.rescan_asked_at is None
