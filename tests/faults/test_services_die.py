"""Redis, PostgreSQL, clamd and the mail server go away and come back: F6, F7, F8, F12, F24."""

import re
import time
from collections.abc import Callable

import redis
import requests

from tests.factories.bundles import make_tgz
from tests.factories.eicar import eicar
from tests.faults.lab import Lab, Sender


def sign_in(lab: Lab, who: str) -> requests.Session:
    session = requests.Session()
    page = session.get(f"{lab.live.url}/sign-in", timeout=30)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert token, page.text
    account = lab.live.accounts[who]
    form = {"email": account["email"], "password": account["password"], "csrf_token": token[1]}
    answer = session.post(f"{lab.live.url}/sign-in", data=form, timeout=30, allow_redirects=False)
    assert answer.status_code == 303, answer.text
    return session


def test_redis_away(lab: Lab, bundle: Callable[..., bytes]) -> None:
    """F7: everything that people do goes on, and health says what is missing."""
    before = lab.put(bundle(seed=1))
    lab.all_kept()
    lab["redis"].stop()
    began = time.monotonic()
    during = lab.put(bundle(seed=2))
    assert time.monotonic() - began < 10
    with sign_in(lab, "engineer") as session:
        page = session.get(f"{lab.live.url}/files/{before}", timeout=30)
        assert page.status_code == 200
        fetched = session.get(f"{lab.live.url}/download/{before}", timeout=30)
        assert fetched.content == bundle(seed=1)
    ready = lab.live.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert not ready.json()["checks"]["queue"]["ok"]
    assert ready.json()["checks"]["database"]["ok"]
    lab.restart("redis")
    lab.all_kept()
    assert 1 <= lab.told(during) <= 3
    lab.wait(lambda: lab.live.get("/readyz").json()["status"] == "ready", "green health", 30)


def test_redis_forgets_everything(lab: Lab, bundle: Callable[..., bytes]) -> None:
    """F6: what was acknowledged is scanned and told within a minute, though every bell is gone."""
    lab["scheduler"].stop()
    for name in ("scan", "deliver"):
        lab[name].kill()
    with redis.Redis.from_url(lab.live.application.environment["DIAGPORT_REDIS_URL"]) as connection:
        uploads = [lab.put(bundle(seed=seed)) for seed in range(3)]
        assert connection.llen("rq:queue:scan") == 3
        assert connection.llen("rq:queue:deliver") >= 3, "that they arrived is to be told"
        unspread = "SELECT count(*) FROM event_record WHERE spread_at IS NULL"
        assert lab.live.sql(unspread)[0][0] >= 3
        connection.flushall()
    began = time.monotonic()
    lab.restart("scan", "deliver", "scheduler")
    lab.all_kept()
    assert all(1 <= lab.told(upload_id) <= 3 for upload_id in uploads)
    lab.all_told(uploads)
    assert time.monotonic() - began < 60
    assert lab.live.sql("SELECT failures FROM step_run WHERE name = 'ring_events'") == [(0,)]


def test_postgres_killed(lab: Lab, bundle: Callable[..., bytes]) -> None:
    """F8: no acknowledgement without a row, a clear answer, and recovery by itself."""
    lab.put(bundle(seed=1))
    content = bundle(500_000, 2)
    sender = Sender(lab.live, "PUT", "/upload/a.tgz", len(content), Idempotency_Key="k")
    sender.send(content[:1000])
    lab.wait(lambda: lab.live.sql("SELECT 1 FROM upload WHERE idempotency_key = 'k'"), "the row", 20)
    lab["postgres"].kill()
    sender.send(content[1000:])
    answer = sender.answer()
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0
    refused = lab.live.request("PUT", "/upload/b.tgz", "acme", data=bundle(seed=3))
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) > 0
    assert lab.live.get("/healthz").status_code == 200
    ready = lab.live.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (503, "unavailable")
    lab.restart("postgres")
    back = time.monotonic()
    lab.wait(lambda: lab.live.get("/api/v1/uploads", "acme").status_code == 200, "the database", 10)
    retried = lab.put(content, **{"Idempotency-Key": "k"})
    assert time.monotonic() - back < 10
    lab.all_kept()
    sealed = lab.live.sql("SELECT id FROM upload WHERE sealed_at IS NOT NULL")
    assert {str(row[0]) for row in sealed} == set(lab.ledger)
    assert retried in lab.ledger


def test_clamd_away(lab: Lab, bundle: Callable[..., bytes]) -> None:
    """F12: uploads are taken, none becomes clean; then all get their verdict."""
    lab["clamd"].kill()
    waiting = [lab.put(bundle(seed=seed)) for seed in range(3)]
    infected = lab.live.put(make_tgz({"a/b": eicar()}))["id"]
    log = lab["scan"].log
    lab.wait(lambda: log.read_text().count('"scanner_away"') >= 9, "that each has been tried twice", 40)
    assert {lab.state(upload_id) for upload_id in (*waiting, infected)} <= {"sealed", "scanning"}
    assert lab.live.get(f"/api/v1/uploads/{waiting[0]}/content", "engineer").status_code == 409
    assert not lab.live.get("/readyz").json()["checks"]["scanner"]["ok"]
    lab.restart("clamd")
    lab.all_kept()
    lab.wait(lambda: lab.state(infected) == "infected", "the virus", 30)
    assert lab.live.sql("SELECT max(attempts) FROM upload") == [(1,)], "it was not the bundles' fault"


def test_mail_server_away(lab: Lab, bundle: Callable[..., bytes]) -> None:
    """F24: the verdict does not wait for it, and each mail comes once, when it can.

    The receipt, and the verdict for its sender and for an engineer.
    """
    lab["mail"].kill()
    upload_id = lab.put(bundle())
    lab.all_kept()
    failed = "SELECT failures FROM delivery WHERE failures > 0 AND sent_at IS NULL AND dead_at IS NULL"
    lab.wait(lambda: len(lab.live.sql(failed)) == 3, "a try of each", 20)
    lab.restart("mail")
    lab.live.sql("UPDATE delivery SET next_at = now()")  # the back-off has passed
    assert lab.told(upload_id) == 1
    sent = "SELECT attempts FROM delivery WHERE sent_at IS NOT NULL"
    lab.wait(lambda: lab.live.sql(sent) == [(1,)] * 3, "all of them")
    assert len(lab.live.mails(upload_id)) == 3
