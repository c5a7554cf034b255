"""Finding what got stuck: F1, F2, F6, I2, I7."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import select

from app.domain.errors import DependencyError
from app.domain.jobs import JobName
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor
from app.jobs import gatekeeping, periodic
from app.models import EngineStatus, Upload
from app.services import sweeping
from app.services.intake import records
from app.system import System
from tests.factories.people import make_actor
from tests.factories.uploads import make_upload
from tests.fakes import FakeQueue, FakeScanner
from tests.integration.looking import deeds, fresh, hours_later, pass_time

WEEK = 7 * 24 * 3600


def receiving(system: System, sender: Actor, door: str) -> Upload:
    """Make an upload of which the first bytes have come."""
    with system.work(sender) as uow:
        announced = records.Announcement(door=door, filename="a.tgz", size=100)
        upload = records.start(uow, announced, system.adapters.storage.name)
    with system.adapters.storage.append(upload.storage_key, 0) as sink:
        sink.write(memoryview(b"first bytes"))
        sink.sync()
    return upload


def files(system: System) -> set[str]:
    return {key for key, _ in system.adapters.storage.stored()}


def test_a_lost_doorbell_is_rung_again(system: System, sender: Actor, queue: FakeQueue) -> None:
    upload = make_upload(system, sender)
    queue.rung.clear()
    periodic.ring_scans(system)
    assert queue.rung == [(JobName.SCAN_UPLOAD, str(upload.id))]


def test_nothing_is_rung_while_bells_hang(system: System, sender: Actor, queue: FakeQueue) -> None:
    make_upload(system, sender)
    hanging = list(queue.rung)
    assert hanging
    periodic.ring_scans(system)
    assert queue.rung == hanging


def test_a_scan_under_way_is_left_alone_until_its_lease_is_over(
    system: System, sender: Actor, queue: FakeQueue
) -> None:
    upload = make_upload(system, sender, UploadState.SCANNING)
    queue.rung.clear()
    periodic.ring_scans(system)
    assert queue.rung == []
    pass_time(system, upload.id, system.settings.scan_lease + 1)
    periodic.ring_scans(system)
    assert queue.rung == [(JobName.SCAN_UPLOAD, str(upload.id))]


@pytest.mark.parametrize("state", sorted(set(UploadState) - {UploadState.SEALED, UploadState.SCANNING}))
def test_what_waits_for_no_scan_is_not_rung_for(
    system: System, sender: Actor, queue: FakeQueue, state: UploadState
) -> None:
    upload = make_upload(system, sender, state)
    queue.rung.clear()
    pass_time(system, upload.id, WEEK)
    periodic.ring_scans(system)
    assert queue.rung == []


@pytest.mark.parametrize(("door", "patience"), [("tus", WEEK), ("put", 15 * 60), ("form", 15 * 60)])
def test_an_upload_that_nobody_goes_on_with_is_given_up(
    system: System, sender: Actor, door: str, patience: int
) -> None:
    upload = receiving(system, sender, door)
    pass_time(system, upload.id, patience - 60)
    periodic.abandon_stale(system)
    assert fresh(system, upload.id).state is UploadState.RECEIVING
    assert files(system) == {upload.storage_key}
    pass_time(system, upload.id, 61)
    periodic.abandon_stale(system)
    assert fresh(system, upload.id).state is UploadState.ABANDONED
    assert files(system) == set()
    assert deeds(system, upload.id) == ["upload.started", "upload.abandoned"]


def test_bytes_that_come_keep_an_upload_alive(system: System, sender: Actor) -> None:
    upload = receiving(system, sender, "put")
    pass_time(system, upload.id, 15 * 60 + 1)
    with system.work(sender) as uow:
        records.checkpoint(uow, upload.id, 1)
    periodic.abandon_stale(system)
    assert fresh(system, upload.id).state is UploadState.RECEIVING


@pytest.mark.parametrize("state", [UploadState.SEALED, UploadState.SCANNING, UploadState.CLEAN])
def test_what_was_acknowledged_is_never_given_up(system: System, sender: Actor, state: UploadState) -> None:
    upload = make_upload(system, sender, state)
    pass_time(system, upload.id, 10 * WEEK)
    periodic.abandon_stale(system)
    periodic.remove_strays(system)
    assert fresh(system, upload.id).state is state
    assert files(system) == {upload.storage_key}


class TestStrays:
    """Stored bytes go only when they are old and no row has a use for them."""

    @pytest.fixture
    def key(self, system: System) -> str:
        key = f"{uuid4()}/{uuid4()}"
        with system.adapters.storage.append(key, 0) as sink:
            sink.write(memoryview(b"whose is this?"))
            sink.sync()
        return key

    @pytest.fixture
    def hours_later(self) -> Iterator[None]:
        with hours_later():
            yield

    def test_a_node_whose_clock_is_wrong_takes_nothing_for_old(
        self, system: System, key: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """F21: file times come from another clock than the node's, on a file server say."""
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + 3 * 3600)
        periodic.remove_strays(system)
        assert files(system) == {key}

    def test_young_ones_stay(self, system: System, key: str) -> None:
        periodic.remove_strays(system)
        assert files(system) == {key}

    @pytest.mark.usefixtures("hours_later")
    def test_old_ones_go(self, system: System, key: str) -> None:
        system.adapters.storage.seal(key, len(b"whose is this?"))
        periodic.remove_strays(system)
        assert files(system) == set()

    @pytest.mark.usefixtures("hours_later")
    def test_when_most_have_no_row_it_is_the_wrong_database(self, system: System) -> None:
        for _ in range(21):
            with system.adapters.storage.append(f"{uuid4()}/{uuid4()}", 0):
                pass
        periodic.remove_strays(system)
        assert len(files(system)) == 21

    @pytest.mark.usefixtures("hours_later")
    @pytest.mark.parametrize("state", [UploadState.DELETED, UploadState.REJECTED, UploadState.ABANDONED])
    def test_bytes_of_ended_uploads_go(self, system: System, sender: Actor, state: UploadState) -> None:
        """Whoever ended it died between the commit and the removal."""
        upload = make_upload(system, sender, state)
        path = Path(system.settings.storage_root, "incoming", upload.storage_key)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"left behind")
        periodic.remove_strays(system)
        assert files(system) == set()

    @pytest.mark.usefixtures("hours_later")
    def test_bytes_with_a_row_stay(self, system: System, sender: Actor) -> None:
        kept = {receiving(system, sender, "tus").storage_key}
        kept |= {
            make_upload(system, sender, state).storage_key
            for state in (UploadState.SEALED, UploadState.CLEAN, UploadState.INFECTED)
        }
        periodic.remove_strays(system)
        assert files(system) == kept

    @pytest.mark.usefixtures("hours_later")
    def test_other_files_are_not_ours_to_remove(self, system: System) -> None:
        other = Path(system.settings.storage_root, "sealed", "lost+found", "a.file.of.others")
        other.parent.mkdir()
        other.touch()
        os.utime(other, (0, 0))
        periodic.remove_strays(system)
        assert other.exists()


def while_another_leads(system: System, step: str, deed: Callable[[], object]) -> None:
    """Do something while another node holds the right to run ``step``."""
    leads, done = threading.Event(), threading.Event()

    def hold() -> None:
        with system.work() as uow:
            assert sweeping.lead(uow, step)
            leads.set()
            done.wait(30)

    other = threading.Thread(target=hold)
    other.start()
    assert leads.wait(10)
    try:
        deed()
    finally:
        done.set()
        other.join(10)


def test_two_sweepers_do_not_ring_twice(committed: System, queue: FakeQueue) -> None:
    upload = make_upload(committed, make_actor(committed))
    queue.rung.clear()
    step = f"ring {JobName.SCAN_UPLOAD}"
    while_another_leads(committed, step, lambda: periodic.ring_scans(committed))
    assert queue.rung == []
    periodic.ring_scans(committed)
    assert queue.rung == [(JobName.SCAN_UPLOAD, str(upload.id))]


def test_two_sweepers_give_up_once(committed: System) -> None:
    upload = receiving(committed, make_actor(committed), "put")
    pass_time(committed, upload.id, WEEK)
    while_another_leads(committed, "abandon_stale", lambda: periodic.abandon_stale(committed))
    assert fresh(committed, upload.id).state is UploadState.RECEIVING
    periodic.abandon_stale(committed)
    periodic.abandon_stale(committed)
    assert deeds(committed, upload.id).count("upload.abandoned") == 1


def test_the_engine_is_asked_and_remembered(system: System, scanner: FakeScanner) -> None:
    gatekeeping.ask_engine(system)
    with system.work() as uow:
        status = uow.session.scalars(select(EngineStatus)).one()
        assert (status.engine, status.signatures) == ("Fake 1.0", "1")
    scanner.down = True
    with pytest.raises(DependencyError):
        gatekeeping.ask_engine(system)
