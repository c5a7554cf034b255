"""The scan worker dies, freezes, or hears the bell too often or never: F3, F4, F5, F6."""

from collections.abc import Callable, Iterator

import psutil
import pytest
import redis

from app.adapters.queue import RedisQueue
from app.cli.dev.services import Services
from app.domain.jobs import JobName
from tests.factories.bundles import make_tgz
from tests.factories.eicar import eicar
from tests.faults.lab import Lab
from tests.faults.valve import Valve


@pytest.fixture
def valve(services: Services) -> Iterator[Valve]:
    valve = Valve(str(services.clamd_socket))
    yield valve
    valve.close()


@pytest.fixture
def slow(make_lab: Callable[..., Lab], valve: Valve) -> Lab:
    """Give a product with an open gate whose scans wait until the valve is opened."""
    lab = make_lab(DIAGPORT_CLAMD_ADDRESS=valve.address, DIAGPORT_SCAN_LEASE="3")
    valve.shut()
    return lab


def scanning(lab: Lab, upload_id: str) -> bool:
    """Whether a job of the worker is at it."""
    return lab.state(upload_id) == "scanning" and bool(horses(lab))


def horses(lab: Lab) -> list[psutil.Process]:
    return psutil.Process(lab["scan"].pid).children()


def under_way(lab: Lab, content: bytes) -> str:
    """Send a bundle; return its id when its scan has begun."""
    upload_id = lab.put(content)
    lab.wait(lambda: scanning(lab, upload_id), "a scan under way", 30)
    return upload_id


def test_killed_in_mid_scan_the_verdict_comes_by_itself(
    slow: Lab, valve: Valve, bundle: Callable[..., bytes]
) -> None:
    """F3: worker and job at once."""
    upload_id = under_way(slow, bundle())
    slow["scan"].kill()
    valve.open()
    assert slow.state(upload_id) == "scanning"
    slow.all_kept()
    assert 1 <= slow.told(upload_id) <= 3


def test_when_only_the_worker_is_killed_its_job_dies_too(
    slow: Lab, valve: Valve, bundle: Callable[..., bytes]
) -> None:
    """F3: an orphan would scan on beside its successor."""
    upload_id = under_way(slow, bundle())
    (horse,) = horses(slow)
    psutil.Process(slow["scan"].pid).kill()
    _, alive = psutil.wait_procs([horse], timeout=10)
    assert [each for each in alive if each.status() != psutil.STATUS_ZOMBIE] == []
    valve.open()
    slow.all_kept()
    assert slow.deeds(upload_id).count("upload.clean") == 1


def test_a_frozen_job_that_wakes_up_writes_nothing(
    slow: Lab, valve: Valve, bundle: Callable[..., bytes]
) -> None:
    """F4: it sleeps beyond its lease, another takes over, and its own verdict comes too late."""
    upload_id = under_way(slow, bundle())
    frozen = [psutil.Process(slow["scan"].pid), *horses(slow)]
    for process in frozen:
        process.suspend()
    valve.open()
    second = slow.live.application.python("second", "worker.py", "scan")
    second.start()
    try:
        slow.wait(lambda: slow.state(upload_id) == "clean", "the second worker's verdict", 60)
        before = slow.live.sql("SELECT scanned_at, epoch FROM scan JOIN upload ON id = upload_id")
        for process in frozen:
            process.resume()
        log = slow["scan"].log
        slow.wait(lambda: '"written": false' in log.read_text(), "the first worker's discovery", 30)
    finally:
        second.stop()
    assert before == slow.live.sql("SELECT scanned_at, epoch FROM scan JOIN upload ON id = upload_id")
    assert before[0][1] >= 2
    slow.all_kept()
    assert 1 <= slow.told(upload_id) <= 3


def test_five_doorbells_give_one_verdict_and_one_mail_each(lab: Lab, bundle: Callable[..., bytes]) -> None:
    """F5: two workers, and each bell rung five times."""
    second = lab.live.application.python("second", "worker.py", "scan")
    queue = RedisQueue(lab.live.application.environment["DIAGPORT_REDIS_URL"])
    lab["scan"].stop()
    upload_id = lab.put(bundle())
    for _ in range(5):
        queue.enqueue(JobName.SCAN_UPLOAD, upload_id)
    second.start()
    try:
        lab.all_kept()
        told = "SELECT id FROM delivery"
        lab.wait(lambda: len(lab.live.sql(told)) == 3, "the receipt, and the verdict for two", 30)
        deliveries = lab.live.sql(told)
        for (delivery,) in deliveries * 5:
            queue.enqueue(JobName.DELIVER, str(delivery))
        lab.wait(lambda: not queue.waiting(JobName.DELIVER) + queue.waiting(JobName.SCAN_UPLOAD), "silence")
    finally:
        second.stop()
    assert lab.live.sql("SELECT epoch, attempts FROM upload") == [(1, 1)]
    assert lab.deeds(upload_id).count("upload.clean") == 1
    assert lab.told(upload_id) == 1


def test_redis_emptied_before_the_scan(lab: Lab, bundle: Callable[..., bytes]) -> None:
    """F6: acknowledged, then forgotten by Redis; an infected one as well."""
    lab["scan"].stop()
    for seed in range(3):
        lab.put(bundle(seed=seed))
    infected = lab.live.put(make_tgz({"a/b": eicar()}))["id"]
    with redis.Redis.from_url(lab.live.application.environment["DIAGPORT_REDIS_URL"]) as connection:
        connection.flushall()
    lab.restart("scan")
    lab.all_kept()
    lab.wait(lambda: lab.state(infected) == "infected", "the virus", 30)
    assert all(1 <= lab.told(upload_id) <= 3 for upload_id in (*lab.ledger, infected))
