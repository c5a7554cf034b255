"""The scanner hangs, crawls, hangs up, or dies of one bundle; the others go on: F13, F14, F25."""

import time
from collections.abc import Callable
from functools import partial

import psutil
import pytest

from app.cli.dev.supervisor import Keeper
from tests.factories.bundles import make_tgz
from tests.faults.lab import Lab
from tests.faults.meddler import MARKER, Meddler, Stream

MARKED = make_tgz({"var/log/marked": MARKER})


@pytest.fixture
def lab(make_lab: Callable[..., Lab], meddler: Meddler) -> Lab:
    """Give a product that waits for its scanner two seconds at most."""
    return make_lab(
        DIAGPORT_CLAMD_ADDRESS=meddler.address, DIAGPORT_CLAMD_TIMEOUT="2", DIAGPORT_SCAN_LEASE="3"
    )


def without_rest(lab: Lab, upload_id: str) -> None:
    """Let whoever waits for the next try not wait."""
    lab.live.sql("UPDATE upload SET lease_until = now() WHERE id = %s AND state = 'sealed'", upload_id)


def verdict(lab: Lab, upload_id: str) -> tuple[str, str, int]:
    rows = lab.live.sql("SELECT state, coalesce(obstacle, ''), attempts FROM upload WHERE id = %s", upload_id)
    state, obstacle, attempts = rows[0]
    return str(state), str(obstacle), int(attempts)


def test_stopped_in_mid_scan(lab: Lab, meddler: Meddler, bundle: Callable[..., bytes]) -> None:
    """F13: no verdict comes of it, the try is counted, and all is well when it goes on."""
    clamd = psutil.Process(lab["clamd"].pid)
    meddler.deed = lambda _stream: clamd.suspend()
    try:
        marked = lab.put(MARKED)
        lab.wait(lambda: verdict(lab, marked) == ("sealed", "", 1), "the end of the first try", 20)
        waiting = lab.put(bundle(seed=1))
        log = lab["scan"].log
        away = log.read_text().count('"scanner_away"')
        lab.wait(lambda: log.read_text().count('"scanner_away"') > away, "a try in vain", 20)
        assert {lab.state(marked), lab.state(waiting)} == {"sealed"}
        assert lab.live.get(f"/api/v1/uploads/{marked}/content", "engineer").status_code == 409
    finally:
        meddler.deed = None
        clamd.resume()
    without_rest(lab, marked)
    lab.all_kept()
    assert verdict(lab, marked)[2] == 2


def test_one_crawls_and_every_third_is_hung_up_on(
    lab: Lab, meddler: Meddler, bundle: Callable[..., bytes]
) -> None:
    """F13: at 1 KB/s the deadline passes; who was cut off is scanned again; the others need not wait."""

    def crawl(stream: Stream) -> None:
        stream.pause = 1.0

    meddler.deed = crawl
    meddler.every = 3
    began = time.monotonic()
    crawling = str(lab.live.put(make_tgz({"a": MARKER, "noise": bundle(64_000)}))["id"])
    for seed in range(6):
        lab.put(bundle(seed=seed))
    lab.all_kept(seconds=30)
    assert meddler.cuts >= 2
    lab.wait(lambda: lab.live.settled(crawling), "a verdict", 20)
    assert time.monotonic() - began < 30
    assert verdict(lab, crawling)[:2] == ("unscannable", "scanner_error")


def test_a_bundle_that_kills_it(lab: Lab, meddler: Meddler, bundle: Callable[..., bytes]) -> None:
    """F14: three times and no more; between two deaths the others get their verdicts."""
    deaths: list[float] = []
    keeper = Keeper(lab["clamd"])

    def kill(stream: Stream) -> None:
        deaths.append(time.monotonic())
        psutil.Process(lab["clamd"].pid).kill()
        stream.cut()

    def given_up() -> bool:
        keeper.look(time.monotonic())
        without_rest(lab, poison)
        return lab.state(poison) == "unscannable"

    meddler.deed = kill
    poison = str(lab.live.put(MARKED)["id"])
    for seed in range(4):
        lab.put(bundle(seed=seed))
    lab.wait(given_up, "the end of its tries", 60)
    assert verdict(lab, poison)[:2] == ("unscannable", "scanner_crash")
    assert len(deaths) == 3
    lab.all_kept()
    assert lab.live.get(f"/api/v1/uploads/{poison}/content", "engineer").status_code == 409


def test_a_bundle_that_gets_its_job_killed(lab: Lab, meddler: Meddler, bundle: Callable[..., bytes]) -> None:
    """F25: by the kernel, for want of memory; the worker lives, and so does the queue."""
    held: list[Stream] = []

    def hold(stream: Stream) -> None:
        held.append(stream)
        meddler.closing.wait(60)

    def begun(tries: int) -> bool:
        return len(held) == tries

    meddler.deed = hold
    worker = psutil.Process(lab["scan"].pid)
    bomb = str(lab.live.put(MARKED)["id"])
    for tries in (1, 2, 3):
        lab.wait(partial(begun, tries), "the next try", 20)
        (horse,) = worker.children()
        horse.kill()
        lab.live.sql("UPDATE upload SET lease_until = now() WHERE id = %s", bomb)  # its lease has run out
        lab.put(bundle(seed=tries))
    lab.wait(lambda: lab.state(bomb) == "unscannable", "the end of its tries", 20)
    assert verdict(lab, bomb)[:2] == ("unscannable", "scanner_crash")
    assert begun(3)
    assert lab["scan"].pid == worker.pid
    lab.all_kept()
