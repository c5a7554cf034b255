"""Senders that stop early, send twice, or out of order: F23, T4, T9, I5."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.lab import Answer, Lab, Sender, Tus

MIB = 1024**2


def at_once(*deeds: Callable[[], Answer]) -> list[Answer]:
    with ThreadPoolExecutor(len(deeds)) as pool:
        return [future.result(60) for future in [pool.submit(deed) for deed in deeds]]


def test_clients_that_stop_early(lab: Lab, bundle: Callable[..., bytes]) -> None:
    content = bundle(MIB)

    # A body shorter than promised is never sealed.
    sender = Sender(lab.live, "PUT", "/upload/a.tgz", len(content))
    sender.send(content[:-1])
    sender.end()
    answer = sender.answer()
    assert (answer.status, json.loads(answer.body)["code"]) == (400, "truncated")
    assert lab.live.sql("SELECT state FROM upload") == [("abandoned",)]
    assert not list(lab.live.application.storage.glob("*/*/*"))

    # One whose sender vanishes neither.
    sender = Sender(lab.live, "PUT", "/upload/a.tgz", len(content))
    sender.send(content[:-1])
    sender.close()
    lab.wait(lambda: lab.live.sql("SELECT state FROM upload") == [("abandoned",)] * 2, "giving up", 20)

    # Of a resumable one, what came is kept.
    tus = Tus(lab.live, content)
    chunk = tus.begin(0, len(content))
    chunk.send(content[: len(content) // 2])
    chunk.end()
    assert chunk.answer().status == 400
    assert tus.offset() == len(content) // 2
    gone = tus.begin(tus.offset(), len(content) - tus.offset())
    gone.send(content[tus.offset() : -10])
    gone.close()
    lab.wait(lambda: tus.durable() == len(content) - 10, "what came is kept", 20)
    finished = tus.patch(len(content) - 10)
    assert finished.status == 200
    lab.acknowledged(json.loads(finished.body), content)
    lab.all_kept()


@pytest.mark.parametrize("round_", range(2))
def test_clients_that_send_twice(lab: Lab, bundle: Callable[..., bytes], round_: int) -> None:
    content = bundle(4 * MIB, round_)
    half = len(content) // 2

    # The same chunk in parallel: one is taken.
    tus = Tus(lab.live, content)
    answers = at_once(*[lambda: tus.patch(0, half)] * 4)
    assert sorted(answer.status == 204 for answer in answers) == [False] * 3 + [True]
    assert {answer.status for answer in answers} <= {204, 409, 423}
    assert tus.offset() == half

    # Out of order: refused, the offset stays.
    assert tus.patch(0, half).status == 409
    assert tus.patch(half + 1).status == 409
    assert tus.offset() == half

    # The last one in parallel: one acknowledgement, and the loser asks again.
    finishes = at_once(*[lambda: tus.patch(half)] * 4)
    won = [answer for answer in finishes if answer.status == 200]
    assert len(won) == 1
    assert {answer.status for answer in finishes} <= {200, 409, 410, 423}
    lab.acknowledged(json.loads(won[0].body), content)
    assert tus.offset() == len(content)
    again = tus.patch(len(content))
    assert (again.status, json.loads(again.body)["id"]) == (200, tus.id)

    # The same body under the same key in parallel: one upload.
    puts = at_once(*[lambda: _put(lab, content)] * 4)
    ids = {json.loads(answer.body)["id"] for answer in puts if answer.status in {200, 201}}
    assert {answer.status for answer in puts} <= {200, 201, 409}
    last = json.loads(_put(lab, content).body)
    assert ids <= {last["id"]}
    lab.acknowledged(last, content)
    stored = lab.live.sql("SELECT count(*) FROM upload WHERE sealed_at IS NOT NULL")
    assert stored == [(2,)]
    lab.all_kept()
    assert {path.stem for path in lab.live.application.storage.glob("*/*/*")} == set(lab.ledger)


def _put(lab: Lab, content: bytes) -> Answer:
    sender = Sender(lab.live, "PUT", "/upload/a.tgz", len(content), Idempotency_Key="same")
    sender.send(content)
    return sender.answer()


def test_a_silent_client_is_given_up(make_lab: Callable[..., Lab], bundle: Callable[..., bytes]) -> None:
    """T9: it must not hold a thread for ever."""
    lab = make_lab(DIAGPORT_BODY_TIMEOUT="1")
    content = bundle(100_000)
    sender = Sender(lab.live, "PUT", "/upload/a.tgz", len(content))
    sender.send(content[:50_000])
    answer = sender.answer()
    assert answer.status in {400, 408}
    assert lab.live.sql("SELECT state FROM upload") == [("abandoned",)]
    lab.put(content)
    lab.all_kept()
