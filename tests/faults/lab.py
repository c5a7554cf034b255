"""A product under test: what hurts it, what it was told to keep, and whether it did."""

import hashlib
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any, TypeVar

from app.cli.dev.process import Process
from app.cli.dev.supervisor import Keeper
from tests.live import Live, eventually

T = TypeVar("T")

TERMINAL = ("upload.clean", "upload.infected", "upload.unscannable")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class Sender:
    """One request over a socket of its own, whose body is sent piece by piece."""

    def __init__(self, live: Live, method: str, path: str, length: int, **headers: str) -> None:
        self.method, self.sent = method, 0
        self.socket = socket.create_connection(("127.0.0.1", live.application.port), timeout=30)
        fields = {"Host": "localhost", "Content-Length": str(length), **live.token("acme")}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        head = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        self.socket.sendall("\r\n".join([*head, "", ""]).encode())

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)
        self.sent += len(data)

    def end(self) -> None:
        """Say that nothing more comes, though it was promised."""
        self.socket.shutdown(socket.SHUT_WR)

    def answer(self) -> Answer:
        response = HTTPResponse(self.socket, method=self.method)
        response.begin()
        answer = Answer(response.status, dict(response.headers), response.read())
        self.close()
        return answer

    def close(self) -> None:
        self.socket.close()


class Tus:
    """One resumable upload of a customer of acme, as a client sees it."""

    def __init__(self, live: Live, content: bytes) -> None:
        self.live, self.content = live, content
        created = live.request(
            "POST", "/tus", "acme",
            headers={"Tus-Resumable": "1.0.0", "Upload-Length": str(len(content)),
                     "Upload-Metadata": "filename YnVuZGxlLnRneg=="},
        )  # fmt: skip
        assert created.status_code == 201, created.text
        self.path = created.headers["Location"]
        self.id = self.path.rsplit("/", 1)[-1]

    def offset(self) -> int:
        head = self.live.request("HEAD", self.path, "acme", headers={"Tus-Resumable": "1.0.0"})
        assert head.status_code == 200
        return int(head.headers["Upload-Offset"])

    def begin(self, offset: int, length: int, **headers: str) -> Sender:
        """Begin a chunk; its bytes are still to be sent."""
        return Sender(
            self.live, "PATCH", self.path, length,
            Tus_Resumable="1.0.0", Upload_Offset=str(offset), Content_Type="application/offset+octet-stream",
            **headers,
        )  # fmt: skip

    def patch(self, offset: int, end: int | None = None) -> Answer:
        """Send one whole chunk."""
        data = self.content[offset:end]
        sender = self.begin(offset, len(data))
        sender.send(data)
        return sender.answer()

    def durable(self) -> int:
        """Look behind the curtain: the offset in the database."""
        return int(self.live.sql("SELECT received_bytes FROM upload WHERE id = %s", self.id)[0][0])


class Lab:
    """``ledger`` maps what was acknowledged to its SHA-256."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.ledger: dict[str, str] = {}
        self._keepers = [Keeper(process) for process in live.application]

    def __getitem__(self, name: str) -> Process:
        group = self.live.application if name in self.live.application.processes else self.live.services
        return group[name]

    def close(self) -> None:
        self.live.stop()

    def wait(self, look: Callable[[], T], what: str, seconds: float = 60.0) -> T:
        """Wait as `eventually` does, and restart what dies meanwhile, as `make run` does."""

        def tend_and_look() -> T:
            for keeper in self._keepers:
                keeper.look(time.monotonic())
            return look()

        return eventually(tend_and_look, what, seconds)

    def restart(self, *names: str) -> None:
        for name in names:
            self[name].start()
        for name in names:
            self[name].wait_ready()

    def put(self, content: bytes, **headers: str) -> str:
        """Send a bundle in one request and note it; return its id."""
        document = self.live.put(content, headers=headers)
        self.acknowledged(document, content)
        return str(document["id"])

    def acknowledged(self, document: dict[str, Any], content: bytes) -> None:
        assert document["sha256"] == hashlib.sha256(content).hexdigest()
        self.ledger[document["id"]] = document["sha256"]

    def state(self, upload_id: str) -> str:
        return str(self.live.sql("SELECT state FROM upload WHERE id = %s", upload_id)[0][0])

    def all_kept(self, verdict: str = "clean", seconds: float = 60.0) -> None:
        """Check I1, I2, I7 and I11: each acknowledged upload is here, whole, with one verdict."""
        for upload_id, sha256 in self.ledger.items():
            self.wait(lambda id_=upload_id: self.state(id_) == verdict, f"{verdict} {upload_id}", seconds)  # type: ignore[misc]
            fetched = self.live.get(f"/api/v1/uploads/{upload_id}/content", "engineer")
            assert fetched.status_code == (200 if verdict == "clean" else 409)
            if verdict == "clean":
                assert hashlib.sha256(fetched.content).hexdigest() == sha256
        sealed = {path.name: path for path in (self.live.application.storage / "sealed").glob("*/*")}
        assert sealed.keys() >= self.ledger.keys()
        for upload_id, sha256 in self.ledger.items():
            assert hashlib.sha256(sealed[upload_id].read_bytes()).hexdigest() == sha256
            assert [self.deeds(upload_id).count(deed) for deed in TERMINAL].count(1) == 1

    def deeds(self, upload_id: str) -> list[str]:
        rows = self.live.sql("SELECT action FROM audit_event WHERE upload_id = %s ORDER BY id", upload_id)
        return [str(action) for (action,) in rows]

    def all_told(self, uploads: Iterable[str]) -> None:
        """Wait until all that happened to them is spread, noticed once, and sent one to three times."""
        ids = list(uploads)
        open_ = (
            "SELECT count(*) FROM event_record WHERE upload_id = ANY(%s) AND spread_at IS NULL",
            "SELECT count(*) FROM delivery WHERE upload_id = ANY(%s) AND sent_at IS NULL AND dead_at IS NULL",
        )
        for statement in open_:
            self.wait(lambda each=statement: self.live.sql(each, ids) == [(0,)], statement, 60)  # type: ignore[misc]
        for upload_id in ids:
            happened = self.live.sql("SELECT event FROM event_record WHERE upload_id = %s", upload_id)
            events = [event for (event,) in happened]
            assert events.count("upload.received") == 1
            assert len([event for event in events if event in TERMINAL]) == 1, events
            mails = self.live.sql("SELECT attempts, sent_at FROM delivery WHERE upload_id = %s", upload_id)
            assert mails
            assert all(1 <= attempts <= 3 and sent_at for attempts, sent_at in mails)
            verdict = (
                "SELECT count(*) FROM notice JOIN event_record r ON r.id = record_id JOIN account a"
                " ON a.id = notice.account_id WHERE r.upload_id = %s AND r.event = ANY(%s) AND a.email = %s"
            )
            engineer = self.live.accounts["engineer"]["email"]
            assert self.live.sql(verdict, upload_id, list(TERMINAL), engineer) == [(1,)]

    def told(self, upload_id: str) -> int:
        """Wait for the mail about an upload; return how often it came to the engineer."""
        engineer = self.live.accounts["engineer"]["email"]

        def came() -> int:
            return sum(mail["to"] == engineer for mail in self.live.mails(upload_id))

        return self.wait(came, f"mail about {upload_id}", 60)
