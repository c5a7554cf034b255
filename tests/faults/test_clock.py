"""F21: a node whose clock is wrong. What begins and ends, begins and ends by the database's."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from uuid import uuid4

import pytest
import requests

from app.cli.dev import ROOT
from app.cli.dev.application import Application
from tests.e2e.sources import noisy_tgz
from tests.faults.lab import Tus
from tests.live import Live

OFFSETS = {"-10m": timedelta(minutes=-10), "+2h": timedelta(hours=2)}
_SYSTEM = """
import sys
from datetime import timedelta
from uuid import UUID
from sqlalchemy import func, update
from app import bootstrap
from app.jobs import periodic
from app.models import Upload
from app.services.scanning import claims
system = bootstrap.system()
"""
_SWEEP = """
for step in (periodic.abandon_stale, periodic.warn_expiring, periodic.remove_strays):
    step(system)
"""
_CLAIM = """
with system.work() as uow:
    until = func.now() + timedelta(seconds=int(sys.argv[2]))
    taken = update(Upload).where(Upload.id == UUID(sys.argv[1])).values(state="scanning", lease_until=until)
    uow.session.execute(taken)
    engine = system.adapters.scanner.engine()
    print("taken over" if claims.claim(uow, UUID(sys.argv[1]), engine) else "left alone")
    uow.session.rollback()
"""
_CSRF = re.compile(r'name="csrf_token"[^>]* value="([^"]+)"')


class Nodes:
    """One portal on three nodes: ``live`` is right and has everything, two have a web and a wrong clock."""

    def __init__(self, live: Live, directory: Path) -> None:
        (library,) = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
        environment = live.application.environment
        shared = ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "STORAGE_ROOT")
        settings = {name: environment[name] for name in (f"DIAGPORT_{each}" for each in shared)}
        self.live = live
        self._wrong: dict[str, Application] = {}
        for offset in OFFSETS:
            # Stored files keep true times, as on a file server.
            faked = {"LD_PRELOAD": str(library), "FAKETIME": offset, "NO_FAKE_STAT": "1"}
            node = Application(live.services, directory / offset, settings=settings | faked)
            node["web"].start()
            self._wrong[offset] = node
        for node in self._wrong.values():
            node["web"].wait_ready()
        self.urls = {"right": live.url} | {offset: node.url for offset, node in self._wrong.items()}

    def stop(self) -> None:
        for node in self._wrong.values():
            node["web"].kill()  # they have lost nothing that this test looks at

    def run(self, code: str, *arguments: str) -> set[str]:
        """Run something wherever the clock is wrong; return what is said last."""

        def one(node: Application) -> str:
            ran = subprocess.run(
                [sys.executable, "-c", _SYSTEM + code, *arguments],
                cwd=ROOT,
                env={**os.environ, **node.environment},
                stdout=subprocess.PIPE,
                text=True,
                timeout=60,
                check=True,
            )
            return ran.stdout.splitlines()[-1] if ran.stdout else ""

        with ThreadPoolExecutor() as pool:
            return set(pool.map(one, self._wrong.values()))

    def ask(self, path: str, headers: dict[str, str]) -> set[int]:
        """Return what the nodes answer: one status, if they agree."""
        return {
            requests.get(url + path, headers=headers, timeout=30, allow_redirects=False).status_code
            for url in self.urls.values()
        }

    def sign_in(self, url: str) -> dict[str, str]:
        """Sign in at one node; return the header by which a browser is known."""
        with requests.Session() as browser:
            found = _CSRF.search(browser.get(f"{url}/sign-in", timeout=30).text)
            assert found
            account = self.live.accounts["acme"]
            form = {"email": account["email"], "password": account["password"], "csrf_token": found[1]}
            answer = browser.post(f"{url}/sign-in", data=form, timeout=30, allow_redirects=False)
            assert answer.status_code == 303
            return {"Cookie": f"diagport={browser.cookies['diagport']}", "Accept": "text/html"}


@pytest.fixture
def nodes(make_live: Callable[..., Live], tmp_path: Path) -> Iterator[Nodes]:
    nodes = Nodes(make_live(), tmp_path)
    dates = {
        name: parsedate_to_datetime(requests.get(f"{url}/healthz", timeout=30).headers["Date"])
        for name, url in nodes.urls.items()
    }
    for name, offset in OFFSETS.items():
        off = dates[name] - dates["right"] - offset
        assert abs(off) < timedelta(seconds=30), "its clock is not the one that the test is about"
    yield nodes
    nodes.stop()


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_clock_that_is_wrong_ends_nothing_early_and_keeps_nothing_longer(nodes: Nodes) -> None:
    """Sessions, step-up, tokens, leases, unfinished uploads, stored bytes. One start for all of it."""
    sessions(nodes, nodes.live)
    tokens(nodes, nodes.live)
    leases(nodes, nodes.live)
    unfinished(nodes, nodes.live)


def sessions(nodes: Nodes, live: Live) -> None:
    for url in nodes.urls.values():
        browser = nodes.sign_in(url)
        assert nodes.ask("/files", browser) == {200}, "who is signed in at one node is at every one"
        assert nodes.ask("/account/tokens/new", browser) == {200}, "and has just proved who they are"
        live.sql("UPDATE sign_in_session SET confirmed_at = now() - interval '9 minutes'")
        assert nodes.ask("/account/tokens/new", browser) == {200}
        live.sql("UPDATE sign_in_session SET confirmed_at = now() - interval '11 minutes'")
        assert nodes.ask("/account/tokens/new", browser) == {303}
        live.sql("UPDATE sign_in_session SET last_seen_at = now() - interval '29 minutes'")
        assert nodes.ask("/files", browser) == {200}
        live.sql("UPDATE sign_in_session SET last_seen_at = now() - interval '31 minutes'")
        assert nodes.ask("/files", browser) == {303}


def tokens(nodes: Nodes, live: Live) -> None:
    token = live.token("globex")
    expires = "UPDATE api_token SET expires_at = now() + %s::interval"
    live.sql(expires, "1 minute")
    assert nodes.ask("/api/v1/uploads", token) == {200}
    live.sql(expires, "-1 second")
    assert nodes.ask("/api/v1/uploads", token) == {401}
    live.sql("UPDATE api_token SET expires_at = NULL")


def leases(nodes: Nodes, live: Live) -> None:
    """Of a bundle that was received where the clock is wrong."""
    answer = requests.put(
        f"{nodes.urls['+2h']}/upload/a.tgz",
        data=noisy_tgz(100_000),
        headers=live.token("acme"),
        timeout=30,
    )
    upload_id = answer.json()["id"]
    assert live.settled(upload_id)["state"] == "clean"
    ((late,),) = live.sql(
        "SELECT max(abs(extract(epoch FROM at - now()))) FROM audit_event WHERE upload_id = %s", upload_id
    )
    assert late < 60
    assert nodes.run(_CLAIM, upload_id, "30") == {"left alone"}
    assert nodes.run(_CLAIM, upload_id, "-30") == {"taken over"}


def unfinished(nodes: Nodes, live: Live) -> None:
    begun = Tus(live, noisy_tgz(50_000))
    begun.patch(0, 20_000)
    stray = live.application.storage / "incoming" / str(uuid4()) / str(uuid4())
    stray.parent.mkdir()
    stray.write_bytes(b"young")

    def state_after(age: str) -> str:
        live.sql("UPDATE upload SET active_at = now() - %s::interval WHERE id = %s", age, begun.id)
        nodes.run(_SWEEP)
        ((state,),) = live.sql("SELECT state FROM upload WHERE id = %s", begun.id)
        return str(state)

    def warned() -> int:
        ((number,),) = live.sql("SELECT count(*) FROM delivery WHERE event = 'upload.expiring'")
        return int(number)

    assert state_after("5 days 23 hours 55 minutes") == "receiving"
    assert warned() == 0
    assert state_after("6 days 5 minutes") == "receiving"
    assert warned() == 1
    assert state_after("6 days 23 hours 55 minutes") == "receiving"
    assert begun.offset() == 20_000
    assert stray.exists()
    assert state_after("7 days 1 minute") == "abandoned"
