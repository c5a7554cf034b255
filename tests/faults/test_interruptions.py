"""200 uploads, cut at random bytes by FIN, RST and kill -9, arrive as they were sent: F1, F2, F23, I1, I5."""

import hashlib
import json
import os
import signal
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from functools import partial
from http.client import HTTPException
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest
import requests

from tests.factories.bundles import make_tgz
from tests.faults.lab import Answer, Lab, Sender, Tus
from tests.live import Live, eventually

AT_ONCE = 12
SEEDS_PER_KILL = 20
KIB = 1024
T = TypeVar("T")
CUT = (OSError, HTTPException, requests.RequestException)


class Part(Tus):
    """A part of an upload that is sent in parallel."""

    FIELDS = {"Tus-Resumable": "1.0.0", "Upload-Concat": "partial"}  # noqa: RUF012

    def __init__(self, live: Live, content: bytes) -> None:
        self.live, self.content = live, content
        fields = self.FIELDS | {"Upload-Length": str(len(content))}
        created = live.request("POST", "/tus", "acme", headers=fields)
        self.path = created.headers["Location"]
        self.id = self.path.rsplit("/", 1)[-1]


def persist(deed: Callable[[], T]) -> T:
    """Do it until it comes to an end, as a client does whose server dies now and then."""

    def attempt() -> tuple[T] | None:
        with suppress(*CUT):
            return (deed(),)
        return None

    return eventually(attempt, "an answer", 60)[0]


def reset(sender: Sender) -> None:
    """Let it end with RST: what the kernel still holds in either direction is thrown away."""
    sender.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Journey:
    """One upload on its way. ``acknowledged`` is the highest offset that its sender was told."""

    def __init__(self, tus: Tus, random: Random) -> None:
        self.tus, self.random = tus, random
        self.acknowledged = 0

    def offset(self) -> int:
        """Ask where to go on: never below what was acknowledged, never beyond what was sent."""
        offset = int(persist(self.tus.offset))
        assert self.acknowledged <= offset <= len(self.tus.content)
        self.acknowledged = offset
        return offset

    def cut(self) -> None:
        """Begin to send the rest, and break off at a random byte."""
        start = self.offset()
        stop = self.random.randint(start, len(self.tus.content))
        how = self.random.choice(["fin", "half", "rst", "chunk"])
        with suppress(*CUT):
            if how == "chunk":  # ends well, and is acknowledged
                self._send(start, stop)
            else:
                self._break_off(start, stop, how)

    def _break_off(self, start: int, stop: int, how: str) -> None:
        with closing(self.tus.begin(start, len(self.tus.content) - start)) as sender:
            for before, after in pairwise(sorted([start, self.random.randint(start, stop), stop])):
                sender.send(self.tus.content[before:after])
            if how == "rst":
                reset(sender)
            elif how == "half":  # says that it ends, and listens
                sender.end()
                self.heard(sender.answer())

    def _send(self, start: int, stop: int) -> None:
        with closing(self.tus.begin(start, stop - start)) as sender:
            sender.send(self.tus.content[start:stop])
            self.heard(sender.answer())

    def heard(self, answer: Answer) -> None:
        """Take an answer: what it acknowledges counts."""
        assert answer.status in {200, 204, 400, 409, 410, 423}, answer.body
        if answer.status in {200, 204}:
            self.acknowledged = int(answer.headers["Upload-Offset"])

    def arrive(self) -> None:
        """Be cut a few times, then go on until everything is acknowledged."""
        for _ in range(self.random.randint(1, 4)):
            self.cut()
        while (start := self.offset()) < len(self.tus.content):
            with suppress(*CUT):
                self._send(start, len(self.tus.content))


def send(live: Live, seed: int) -> tuple[str, bytes]:
    """Send a bundle of its own through every trouble; return its id and content."""
    random = Random(seed)
    content = make_tgz({"var/log/noise": random.randbytes(random.randint(2, 150) * KIB)})
    if seed % 8 == 0:
        return in_parts(live, content, random), content
    tus = persist(lambda: Tus(live, content))
    Journey(tus, random).arrive()
    return tus.id, content


def in_parts(live: Live, content: bytes, random: Random) -> str:
    """Send three parts, each in its own time, and join them twice at once: there is one upload."""
    edges = sorted([0, *random.sample(range(1, len(content)), 2), len(content)])
    parts = [persist(partial(Part, live, content[a:b])) for a, b in pairwise(edges)]
    for part in parts:
        Journey(part, random).arrive()
    fields = {"Tus-Resumable": "1.0.0", "Upload-Metadata": "filename YnVuZGxlLnRneg=="}
    fields["Upload-Concat"] = "final;" + " ".join(part.path for part in parts)

    def join() -> str:
        answer = live.request("POST", "/tus", "acme", headers=fields)
        if answer.status_code == 423:
            raise HTTPException  # wait for the other
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    with ThreadPoolExecutor(2) as pool:
        ids: set[str] = set(pool.map(persist, [join, join]))
    assert len(ids) == 1
    return ids.pop()


class Killer(threading.Thread):
    """Kills the web with SIGKILL whenever it is told to: all of it, or one of its processes."""

    def __init__(self, lab: Lab) -> None:
        super().__init__(daemon=True)
        self.lab, self.killed = lab, 0
        self._orders = threading.Semaphore(0)
        self._over = False

    def order(self) -> None:
        self._orders.release()

    def end(self) -> None:
        self._over = True
        self.order()
        self.join(60)

    def run(self) -> None:
        while self._orders.acquire() and not self._over:
            if self.killed % 3 == 2:
                self.lab["web"].kill()
                self.lab.restart("web")
            else:
                with suppress(ProcessLookupError):
                    os.kill(self._a_worker(), signal.SIGKILL)  # gunicorn starts another
            self.killed += 1

    def _a_worker(self) -> int:
        master = self.lab["web"].pid
        children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        return int(children[self.killed % len(children)])


@pytest.fixture
def killer(make_lab: Callable[..., Lab]) -> Iterator[Killer]:
    killer = Killer(make_lab(DIAGPORT_CHECKPOINT_BYTES=str(16 * KIB), DIAGPORT_WEB_PROCESSES="2"))
    killer.start()
    yield killer
    killer.end()


@pytest.mark.timeout(300)  # half a minute by itself; others may keep the machine busy
@pytest.mark.parametrize("seeds", [40, pytest.param(200, marks=pytest.mark.long)])
def test_whatever_cuts_it_every_upload_arrives_as_it_was_sent(killer: Killer, seeds: int) -> None:
    """The offset that was told never goes back, and SHA-256 is equal every time."""
    live = killer.lab.live

    def one(seed: int) -> tuple[str, bytes]:
        if seed % SEEDS_PER_KILL == SEEDS_PER_KILL // 2:
            killer.order()
        return send(live, seed)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        sent = dict(pool.map(one, range(seeds)))

    assert len(sent) == seeds
    assert killer.killed >= seeds // SEEDS_PER_KILL - 1
    rows = live.sql("SELECT id::text, sha256, size FROM upload WHERE sealed_at IS NOT NULL")
    assert {row[0]: row[1:] for row in rows} == {
        upload_id: (hashlib.sha256(content).hexdigest(), len(content)) for upload_id, content in sent.items()
    }
    sealed = {
        path.name: path for path in (live.application.storage / "sealed").glob("*/*") if "." not in path.name
    }
    assert {name: path.read_bytes() for name, path in sealed.items()} == sent


def test_parts_joined_by_many_at_once_are_one_upload(killer: Killer) -> None:
    """F23: parallel finalise, exactly one winner; everybody is told the same."""
    live = killer.lab.live
    content = make_tgz({"var/log/noise": Random(1).randbytes(3_000_000)})
    parts = [Part(live, content[start : start + 1_000_000]) for start in range(0, len(content), 1_000_000)]
    for part in parts:
        assert part.patch(0).status == 204
    fields = {"Tus-Resumable": "1.0.0", "Upload-Metadata": "filename YnVuZGxlLnRneg=="}
    fields["Upload-Concat"] = "final;" + " ".join(part.path for part in parts)

    def join(_: int) -> requests.Response:
        return live.request("POST", "/tus", "acme", headers=fields)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(join, range(6)))
    won = [answer for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 423}
    assert len({answer.json()["id"] for answer in won}) == 1
    assert won[0].json()["sha256"] == hashlib.sha256(content).hexdigest()
    sealed = live.sql("SELECT count(*) FROM audit_event WHERE action = 'upload.sealed'")
    assert sealed == [(1,)]
    assert json.loads(won[0].text)["size"] == len(content)
