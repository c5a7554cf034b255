"""Second scans under fire: what is ready stays ready until there is proof. F3, F6, F12, F14."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import psutil
import pytest
import redis

from app.cli.dev.supervisor import Keeper
from tests.factories.bundles import make_tgz
from tests.faults.lab import Lab
from tests.faults.meddler import MARKER, Meddler, Stream

MARKED = make_tgz({"var/log/marked": MARKER, "etc/hostname": b"web-01\n"})


@pytest.fixture
def lab(make_lab: Callable[..., Lab], meddler: Meddler) -> Lab:
    """Give a product with small leases, to which anything over 100,000 bytes is large."""
    return make_lab(
        DIAGPORT_CLAMD_ADDRESS=meddler.address,
        DIAGPORT_CLAMD_TIMEOUT="5",
        DIAGPORT_SCAN_LEASE="3",
        DIAGPORT_SCAN_LARGE_BYTES="100000",
    )


def ask(lab: Lab, upload_id: str) -> None:
    """Ask for a second scan without ringing for it."""
    lab.live.sql("UPDATE upload SET rescan_asked_at = now() WHERE id = %s", upload_id)


def content(lab: Lab, upload_id: str) -> int:
    return lab.live.get(f"/api/v1/uploads/{upload_id}/content", "engineer").status_code


def done(lab: Lab, deed: str, upload_id: str) -> bool:
    return deed in lab.deeds(upload_id)


def newer(lab: Lab) -> bytes:
    """Return what clamd says of itself once today's signatures are loaded."""
    ((engine,),) = lab.live.sql("SELECT engine FROM engine_status")
    return f"{engine}/27999/{datetime.now(UTC):%a %b %d %H:%M:%S %Y}".encode()


def test_newer_signatures_recall_what_was_ready(
    lab: Lab, meddler: Meddler, bundle: Callable[..., bytes]
) -> None:
    """By themselves: the newest first, and those who have it are named to staff, not to the sender."""
    kept = [lab.put(bundle(seed=seed)) for seed in range(2)]
    infected = str(lab.live.put(MARKED)["id"])
    lab.all_kept()
    lab.live.settled(infected)
    assert content(lab, infected) == 200
    lab.wait(lambda: lab.live.sql("SELECT 1 FROM engine_status"), "the engine's name", 20)
    meddler.deed = lambda stream: stream.answer(b"stream: Win.Newer-1 FOUND")
    meddler.version = newer(lab)
    lab.wait(partial(done, lab, "upload.infected", infected), "the recall", 40)
    assert content(lab, infected) == 409
    for upload_id in kept:
        lab.wait(partial(done, lab, "upload.rescanned", upload_id), "another look", 20)
        assert content(lab, upload_id) == 200
    rows = lab.live.sql("SELECT scanned_for, s.signatures FROM upload JOIN scan s ON upload_id = id")
    assert set(rows) == {("27999", "27999")}
    accounts = {who: lab.live.accounts[who]["email"] for who in ("engineer", "admin", "acme")}

    def recalls() -> dict[str, str]:
        found = [mail for mail in lab.live.mails(infected) if "Virus found later" in mail["subject"]]
        return {mail["to"]: mail["text"] for mail in found}

    lab.wait(lambda: recalls().keys() >= set(accounts.values()), "the mails", 20)
    for who, text in recalls().items():
        assert (f"Downloaded by: {accounts['engineer']}, on" in text) is (who != accounts["acme"])


def test_whatever_dies_in_mid_scan(lab: Lab, meddler: Meddler, bundle: Callable[..., bytes]) -> None:
    """F3, F6: the job is killed and Redis forgets the bell. F12, F14: the scanner is killed each time."""
    marked = str(lab.live.put(MARKED)["id"])
    lab.live.settled(marked)
    held, keeper = threading.Event(), Keeper(lab["clamd"])

    def hold(_stream: Stream) -> None:
        held.set()
        meddler.closing.wait(60)

    meddler.deed = hold
    ask(lab, marked)
    lab.wait(held.is_set, "the second scan", 20)
    meddler.deed = None
    with redis.Redis.from_url(lab.live.application.environment["DIAGPORT_REDIS_URL"]) as connection:
        connection.flushdb()
    (horse,) = psutil.Process(lab["scan-large"].pid).children()
    horse.kill()
    assert content(lab, marked) == 200
    lab.wait(partial(done, lab, "upload.rescanned", marked), "the next try", 20)
    assert lab.live.sql("SELECT epoch, attempts, rescan_asked_at FROM upload") == [(3, 2, None)]

    deaths: list[int] = []

    def kill(stream: Stream) -> None:
        deaths.append(lab["clamd"].pid)
        psutil.Process(lab["clamd"].pid).kill()
        stream.cut()

    def given_up() -> bool:
        keeper.look(time.monotonic())
        lab.live.sql("UPDATE upload SET lease_until = now() WHERE lease_until > now() + interval '4 s'")
        assert content(lab, marked) == 200
        return done(lab, "upload.rescan_failed", marked)

    meddler.deed = kill
    ask(lab, marked)
    lab.wait(given_up, "the end of its tries", 60)
    assert len(set(deaths)) == 3
    lab.put(bundle())
    lab.all_kept()
    assert lab.state(marked) == "clean"


def test_small_ones_do_not_wait_behind_large_ones(
    lab: Lab, meddler: Meddler, bundle: Callable[..., bytes]
) -> None:
    held, go_on = threading.Event(), threading.Event()

    def hold(_stream: Stream) -> None:
        held.set()
        go_on.wait(60)

    meddler.deed = hold
    large = lab.put(make_tgz({"a": MARKER, "noise": bundle(300_000)}))
    lab.wait(held.is_set, "the large scan", 20)
    for seed in range(3):
        small = lab.put(bundle(seed=seed))
        lab.wait(lambda id_=small: lab.state(id_) == "clean", "the small one's verdict", 5)  # type: ignore[misc]
    assert lab.state(large) == "scanning"
    go_on.set()
    lab.all_kept()
