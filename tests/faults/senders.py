"""Customers whose uploads last as long as a release: each sends half, then slowly, until told to hurry."""

import hashlib
import io
import json
import socket
import threading
import time
from contextlib import closing, suppress
from http import HTTPStatus
from http.client import HTTPException
from select import select
from typing import Any

import requests
from tusclient.client import TusClient

from tests.faults.lab import Answer, Sender
from tests.live import Live

KIB = 1024
PIECE = KIB  # that is sent at a time, as long as there is no hurry
PAUSE = 0.1  # seconds between two
LAST = 16 * KIB  # bytes that nobody sends before there is
TUS = {"Tus-Resumable": "1.0.0"}


class Customer(threading.Thread):
    """One upload. ``half`` is set once half of it is on its way, ``hurry`` by others.

    Afterwards: ``document`` of what was acknowledged, ``sent`` bytes in all, ``resumed`` the offsets at
    which it went on.
    """

    def __init__(self, live: Live, content: bytes, hurry: threading.Event) -> None:
        super().__init__(daemon=True)
        self.live, self.content, self.hurry = live, content, hurry
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.half = threading.Event()
        self.document: dict[str, Any] = {}
        self.sent = 0
        self.resumed: list[int] = []
        self.trouble: list[str] = []

    def dawdle(self, at: int) -> int:
        """Return how many bytes to send at byte ``at``, now. The last ones wait until there is a hurry."""
        half = len(self.content) // 2
        if at < half:
            return half - at
        self.half.set()
        if self.hurry.wait(PAUSE):
            return len(self.content) - at
        return min(PIECE, len(self.content) - LAST - at)

    def push(self, sender: Sender, start: int) -> Answer:
        """Send everything from ``start`` on, until there is an answer. Raises OSError, HTTPException."""
        at = start
        with closing(sender.socket):
            while at < len(self.content) and not select([sender.socket], [], [], 0)[0]:
                piece = self.content[at : at + self.dawdle(at)]
                sender.send(piece)
                self.sent += len(piece)
                at += len(piece)
            return sender.answer()


class Put(Customer):
    """Sends all of it in one request, and never again."""

    def run(self) -> None:
        sender = Sender(self.live, "PUT", "/upload/put.tgz", len(self.content))
        try:
            answer = self.push(sender, 0)
            self.trouble += [] if answer.status == HTTPStatus.CREATED else [str(answer)]
            self.document = json.loads(answer.body)
        except (OSError, HTTPException, ValueError) as error:
            self.trouble.append(repr(error))


class Resuming(Customer):
    """Sends one long chunk; whatever ends it, asks for the offset and goes on there."""

    def run(self) -> None:
        created = self.live.request(
            "POST", "/tus", "acme",
            headers={**TUS, "Upload-Length": str(len(self.content)), "Upload-Metadata": "filename YS50Z3o="},
        )  # fmt: skip
        path, offset = created.headers["Location"], 0
        while not self.document:
            try:
                sender = Sender(
                    self.live, "PATCH", path, len(self.content) - offset,
                    Tus_Resumable="1.0.0", Upload_Offset=str(offset),
                    Content_Type="application/offset+octet-stream",
                )  # fmt: skip
                answer = self.push(sender, offset)
                if answer.status == HTTPStatus.OK:
                    self.document = json.loads(answer.body)
                    return
                self.trouble.append(f"{answer.status} {answer.body[:200]!r}")
                time.sleep(int(answer.headers.get("Retry-After", "0")))  # as it was told
            except (OSError, HTTPException) as error:
                self.trouble.append(repr(error))
            offset = self.ask(path)

    def ask(self, path: str) -> int:
        head = self.live.request("HEAD", path, "acme", headers=TUS)
        assert head.status_code == HTTPStatus.OK, head
        self.resumed.append(int(head.headers["Upload-Offset"]))
        return self.resumed[-1]


class Tuspy(Customer):
    """The reference client in Python, with many small chunks."""

    def run(self) -> None:
        client = TusClient(f"{self.live.url}/tus", headers=self.live.token("acme"))
        uploader: Any = client.uploader(
            file_stream=_Slow(self), chunk_size=LAST // 2, retries=30, retry_delay=1,
            metadata={"filename": "tuspy.tgz"},
        )  # fmt: skip
        try:
            uploader.upload()
            upload_id = uploader.url.rsplit("/", 1)[-1]
            self.document = self.live.get(f"/api/v1/uploads/{upload_id}", "acme").json()
        except Exception as error:  # noqa: BLE001  # for the test to show
            self.trouble.append(repr(error))


class _Slow(io.BytesIO):
    """A file that is read as slowly as its customer dawdles."""

    def __init__(self, customer: Customer) -> None:
        super().__init__(customer.content)
        self._customer = customer

    def read(self, size: int | None = -1, /) -> bytes:
        while self._customer.dawdle(self.tell()) <= 0 and not self._customer.hurry.is_set():
            pass  # each look takes its time
        data = super().read(size)
        self._customer.sent += len(data)
        return data


class Relay:
    """A slow line of one customer to ``port``, until there is a hurry; ``sent`` bytes have gone through.

    After ``most`` bytes no other connection is taken before that.
    """

    def __init__(self, port: int, most: int, hurry: threading.Event) -> None:
        self._port, self._most, self._hurry = port, most, hurry
        self.sent = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.sent > self._most:
                    self._hurry.wait()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with closing(client), socket.create_connection(("127.0.0.1", self._port)) as server:
            back = threading.Thread(target=_pump, args=(server, client), daemon=True)
            back.start()
            with suppress(OSError):
                while data := client.recv(4 * KIB):
                    server.sendall(data)
                    self.sent += len(data)
                    self._hurry.wait(PAUSE)
                server.shutdown(socket.SHUT_WR)
            back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(64 * KIB):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


class Visitor(threading.Thread):
    """Asks for a page again and again, each time over a connection of its own; keeps what went wrong."""

    def __init__(self, url: str, cookies: Any = None) -> None:
        super().__init__(daemon=True)
        self._url, self._cookies = url, cookies
        self._over = threading.Event()
        self.seen = 0
        self.wrong: list[str] = []

    def run(self) -> None:
        while not self._over.wait(0.05):
            try:
                page = requests.get(self._url, cookies=self._cookies, timeout=30, allow_redirects=False)
                self.seen += 1
                if page.status_code != HTTPStatus.OK:
                    self.wrong.append(f"{page.status_code} {page.text[:200]}")
            except requests.RequestException as error:
                self.wrong.append(repr(error))

    def leave(self) -> None:
        self._over.set()
        self.join(30)
