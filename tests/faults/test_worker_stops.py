"""A worker is told to stop while a scan is under way, as a release does: F22, and F3 without the death."""

from collections.abc import Callable, Iterator

import psutil
import pytest

from app.adapters.queue import RedisQueue
from app.cli.dev.services import Services
from app.domain.jobs import QueueName
from tests.faults.lab import Lab
from tests.faults.valve import Valve
from tests.live import eventually


@pytest.fixture
def valve(services: Services) -> Iterator[Valve]:
    valve = Valve(str(services.clamd_socket))
    yield valve
    valve.close()


@pytest.fixture
def make(make_lab: Callable[..., Lab], valve: Valve) -> Callable[[int], Lab]:
    """Give a way to start a product whose scans wait for the valve; its workers stop in so many seconds.

    Its leases are those of production: no test has the time to wait for the end of one.
    """

    def make(seconds: int) -> Lab:
        lab = make_lab(DIAGPORT_CLAMD_ADDRESS=valve.address, DIAGPORT_GRACEFUL_TIMEOUT=str(seconds))
        valve.shut()
        return lab

    return make


def under_way(lab: Lab, content: bytes) -> str:
    """Send a bundle; return its id when its scan has begun."""
    upload_id = lab.put(content)
    scan = psutil.Process(lab["scan"].pid)
    lab.wait(lambda: lab.state(upload_id) == "scanning" and scan.children(), "a scan under way", 30)
    return upload_id


def tries(lab: Lab, upload_id: str) -> tuple[int, int]:
    """Return how often it was claimed, and how often that was counted against it."""
    ((epoch, attempts),) = lab.live.sql("SELECT epoch, attempts FROM upload WHERE id = %s", upload_id)
    return epoch, attempts


def test_a_scan_that_ends_in_time_ends_as_ever(
    make: Callable[[int], Lab], valve: Valve, bundle: Callable[..., bytes]
) -> None:
    lab = make(60)
    upload_id = under_way(lab, bundle())
    waits = lab.put(bundle(seed=1))
    worker = lab["scan"]
    worker.ask_to_stop()
    valve.open()
    # Not by `lab.wait`, which would start it again.
    assert worker.popen
    assert worker.popen.wait(30) == 0
    assert (lab.state(upload_id), tries(lab, upload_id)) == ("clean", (1, 1))
    assert lab.state(waits) == "sealed", "nothing new is begun"
    lab.restart("scan")
    lab.all_kept()


@pytest.mark.parametrize("how", ["its time is up", "told again"])
def test_a_scan_that_does_not_is_handed_to_another_worker_at_once(
    make: Callable[[int], Lab], valve: Valve, bundle: Callable[..., bytes], how: str
) -> None:
    """Not counted against the bundle, no failed job, and no lease that must end first."""
    lab = make(6 if how == "its time is up" else 60)
    upload_id = under_way(lab, bundle())
    worker = lab["scan"]
    worker.ask_to_stop()

    def ended() -> bool:
        if how == "told again":  # impatiently: within a second of the first it counts as the same
            worker.ask_to_stop()
        return worker.popen is not None and worker.popen.poll() == 0

    eventually(ended, "the worker's end", 20)
    assert (lab.state(upload_id), tries(lab, upload_id)) == ("sealed", (1, 0))
    queue = RedisQueue(lab.live.application.environment["DIAGPORT_REDIS_URL"])
    assert queue.queues()[QueueName.SCAN].depth >= 1  # the scheduler rings too
    valve.open()
    lab.restart("scan")
    lab.wait(lambda: lab.state(upload_id) == "clean", "the next worker's verdict", 30)
    assert tries(lab, upload_id) == (2, 1)
    assert queue.queues()[QueueName.SCAN].failed_count == 0
    lab.all_kept()
