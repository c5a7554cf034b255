"""All at once, with uploads acknowledged, in flight and waiting: F27."""

import json
import time
from collections.abc import Callable

import redis

from tests.factories.bundles import make_tgz
from tests.factories.eicar import eicar
from tests.faults.lab import Lab, Tus

MIB = 1024**2
PROCESSES = ("web", "scan", "scan-large", "deliver", "scheduler", "clamd", "mail", "postgres")


def test_everything_is_killed_and_redis_forgets(lab: Lab, bundle: Callable[..., bytes]) -> None:
    scanned = lab.put(bundle(seed=1))
    lab.all_kept()
    lab["scan"].kill()
    waiting = [lab.put(bundle(seed=seed)) for seed in range(2, 6)]
    infected = lab.live.put(make_tgz({"a/b": eicar()}))["id"]
    tus = Tus(lab.live, bundle(2 * MIB, 7))
    third = len(tus.content) // 3
    assert tus.patch(0, third).status == 204
    chunk = tus.begin(third, len(tus.content) - third)
    chunk.send(tus.content[third : 2 * third])
    never = Tus(lab.live, bundle(MIB, 8))
    lab.wait(lambda: tus.durable() > third, "a checkpoint in mid-chunk", 20)

    with redis.Redis.from_url(lab.live.application.environment["DIAGPORT_REDIS_URL"]) as connection:
        connection.flushall()
    for name in (*PROCESSES, "redis"):
        lab[name].kill()
    began = time.monotonic()
    lab.restart("redis", "clamd", "mail", "postgres")
    lab.restart("web", "scan", "scan-large", "deliver", "scheduler")

    offset = tus.offset()
    assert third <= offset <= third + chunk.sent
    finished = tus.patch(offset)
    assert finished.status == 200
    lab.acknowledged(json.loads(finished.body), tus.content)
    chunk.close()
    lab.all_kept()
    lab.wait(lambda: lab.state(infected) == "infected", "the virus", 60)
    assert lab.live.get(f"/api/v1/uploads/{infected}/content", "engineer").status_code == 409
    assert (never.offset(), lab.state(never.id)) == (0, "receiving")
    everything = (scanned, *waiting, infected, tus.id)
    assert all(1 <= lab.told(upload_id) <= 3 for upload_id in everything)
    lab.all_told(everything)
    assert time.monotonic() - began < 180
    sealed = lab.live.sql("SELECT id FROM upload WHERE sealed_at IS NOT NULL")
    assert {str(row[0]) for row in sealed} == {*lab.ledger, infected}
    assert lab.live.get("/readyz").json()["status"] == "ready"
