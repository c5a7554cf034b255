"""Two requests want to write to one upload, in whichever of the web processes they land: F8, F23."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.lab import Lab, Sender, Tus
from tests.live import eventually

KIB = 1024
LISTENING = (
    "FROM pg_stat_activity WHERE application_name = 'diagport listening' AND datname = current_database()"
)


@pytest.fixture
def lab(make_lab: Callable[..., Lab]) -> Lab:
    """Give a product in which a silent writer is never given up for its silence."""
    return make_lab(
        DIAGPORT_WEB_PROCESSES="2", DIAGPORT_CHECKPOINT_BYTES=str(64 * KIB), DIAGPORT_BODY_TIMEOUT="300"
    )


def stalled(tus: Tus, size: int) -> Sender:
    """Begin to send everything, bring ``size`` bytes, and fall silent."""
    sender = tus.begin(0, len(tus.content))
    sender.send(tus.content[:size])
    return sender


def epoch(tus: Tus) -> int:
    return int(tus.live.sql("SELECT writer_epoch FROM upload WHERE id = %s", tus.id)[0][0])


def written(lab: Lab, tus: Tus) -> int:
    """Look at the file: what its sender has brought lies in it, durable or not."""
    return sum(
        path.stat().st_size for path in (lab.live.application.storage / "incoming").glob(f"*/{tus.id}")
    )


def overtake(tus: Tus, silent: Sender) -> float:
    """Go on beside a silent writer; return how many seconds that took."""
    began = time.monotonic()
    finished = tus.patch(tus.durable())
    took = time.monotonic() - began
    assert finished.status == 200, finished.body
    assert json.loads(finished.body)["size"] == len(tus.content)
    assert silent.answer().status == 423
    return took


def test_a_second_writer_ends_the_first_at_once(lab: Lab, bundle: Callable[..., bytes]) -> None:
    """Eight times, so that both processes are on both sides; nobody waits for a timeout."""
    uploads = [Tus(lab.live, bundle(300 * KIB, seed)) for seed in range(8)]
    senders = [stalled(tus, 100 * KIB) for tus in uploads]
    for tus in uploads:
        lab.wait(lambda tus=tus: epoch(tus) and tus.durable() >= 64 * KIB, "a checkpoint", 20)  # type: ignore[misc]
    assert lab.live.sql(f"SELECT count(*) {LISTENING}")[0][0] in {1, 2}
    with ThreadPoolExecutor(8) as pool:
        took = list(pool.map(overtake, uploads, senders))
    assert max(took) < 4, took
    for tus in uploads:
        lab.ledger[tus.id] = lab.live.get(f"/api/v1/uploads/{tus.id}", "acme").json()["sha256"]
    lab.all_kept()


def test_asking_ends_a_silent_writer_and_tells_what_it_has(lab: Lab, bundle: Callable[..., bytes]) -> None:
    """HEAD waits for its last checkpoint, so that nothing is sent twice."""
    uploads = [Tus(lab.live, bundle(300 * KIB, seed)) for seed in range(6)]
    senders = [stalled(tus, 40_000) for tus in uploads]  # less than a checkpoint
    for tus, sender in zip(uploads, senders, strict=True):
        lab.wait(lambda tus=tus: written(lab, tus) == 40_000, "all of it in the file", 20)  # type: ignore[misc]
        assert tus.offset() == 0, "a writer that may be busy is left alone"
        silent = "UPDATE upload SET active_at = now() - interval '11 s' WHERE id = %s"
        lab.live.sql(silent, tus.id)
        assert tus.offset() == 40_000
        answer = sender.answer()
        assert (answer.status, json.loads(answer.body)["code"]) == (400, "truncated")
        finished = tus.patch(40_000)
        assert finished.status == 200
        lab.acknowledged(json.loads(finished.body), tus.content)
    lab.all_kept()


@pytest.mark.parametrize("how", ["connection lost", "database restarted"])
def test_who_cannot_hear_listens_again(lab: Lab, bundle: Callable[..., bytes], how: str) -> None:
    """F8: the word may be lost, the fence is not; a second try is heard."""
    first = Tus(lab.live, bundle(300 * KIB, 1))
    silent = stalled(first, 10 * KIB)
    eventually(lambda: lab.live.sql(f"SELECT 1 {LISTENING}"), "somebody listens")
    if how == "connection lost":
        lab.live.sql(f"SELECT pg_terminate_backend(pid) {LISTENING}")
    else:
        lab["postgres"].kill()
        lab.restart("postgres")

    def finished() -> bytes | None:
        answer = first.patch(0)
        assert answer.status in {200, 423, 503}, answer.body
        return answer.body if answer.status == 200 else None

    document = lab.wait(finished, "the second writer", 40)
    assert document
    lab.acknowledged(json.loads(document), first.content)
    assert silent.answer().status in {423, 503}
    lab.all_kept()
