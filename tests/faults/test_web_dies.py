"""The web dies while bytes arrive: F1. How it stops when it is told to: test_web_stops.py."""

import json
from collections.abc import Callable

from tests.faults.lab import Lab, Sender, Tus

MIB = 1024**2


def test_killed_in_mid_chunk_it_goes_on_where_it_was(lab: Lab, bundle: Callable[..., bytes]) -> None:
    """F1, at 10, 50 and 90 % of three uploads at once, each with an acknowledged chunk before."""
    uploads = {percent: Tus(lab.live, bundle(4 * MIB, percent)) for percent in (10, 50, 90)}
    senders = {}
    for percent, tus in uploads.items():
        acknowledged = len(tus.content) // 20
        assert tus.patch(0, acknowledged).status == 204
        senders[percent] = tus.begin(acknowledged, len(tus.content) - acknowledged)
        senders[percent].send(tus.content[acknowledged : len(tus.content) * percent // 100])
    lab.wait(lambda: uploads[90].durable() > MIB, "a checkpoint in mid-chunk", 20)
    lab["web"].kill()
    lab.restart("web")
    for percent, tus in uploads.items():
        acknowledged = len(tus.content) // 20
        assert acknowledged <= tus.offset() <= acknowledged + senders[percent].sent
        finished = tus.patch(tus.offset())
        assert finished.status == 200, finished.body
        lab.acknowledged(json.loads(finished.body), tus.content)
        senders[percent].close()
    assert len(lab.ledger) == 3
    lab.all_kept()


def test_killed_in_mid_put_nothing_is_sealed_and_the_retry_is_the_only_upload(
    lab: Lab, bundle: Callable[..., bytes]
) -> None:
    """F1, F2, I5."""
    content = bundle(2 * MIB, 1)
    sender = Sender(lab.live, "PUT", "/upload/a.tgz", len(content), Idempotency_Key="once")
    sender.send(content[: len(content) // 2])
    lab.wait(lambda: lab.live.sql("SELECT 1 FROM upload"), "the row", 20)
    lab["web"].kill()
    lab.restart("web")
    upload_id = lab.put(content, **{"Idempotency-Key": "once"})
    assert lab.put(content, **{"Idempotency-Key": "another"}) != upload_id
    again = lab.live.request(
        "PUT", "/upload/a.tgz", "acme", data=content, headers={"Idempotency-Key": "once"}
    )
    assert (again.status_code, again.json()["id"]) == (200, upload_id)
    kept = lab.live.sql("SELECT count(*) FROM upload WHERE state NOT IN ('receiving', 'abandoned')")
    assert kept == [(2,)]
    sender.close()
    lab.all_kept()
