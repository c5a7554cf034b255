"""Bytes that change while they go out, through the real server, to readers that take their time. T26."""

import hashlib
import os
import socket
from collections.abc import Callable
from http.client import HTTPResponse
from pathlib import Path
from random import Random

import pytest
import requests

from tests.factories.bundles import make_tgz
from tests.factories.eicar import eicar
from tests.live import Live, eventually

MIB = 1024**2


class Reader:
    """A download whose reader takes as many bytes as it is told to, and leaves the rest in the line."""

    def __init__(self, live: Live, upload_id: str, **headers: str) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        self._socket.settimeout(60)
        self._socket.connect(("127.0.0.1", live.application.port))
        self._fields = {"Host": "localhost", **live.token("engineer")}
        self.body = b""
        self.response = self.ask("GET", f"/download/{upload_id}", **headers)

    def ask(self, method: str, path: str, **headers: str) -> HTTPResponse:
        """Send one more request over the same connection."""
        lines = [f"{name}: {value}" for name, value in (self._fields | headers).items()]
        self._socket.sendall("\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode())
        response = HTTPResponse(self._socket, method=method)
        response.begin()
        self.length = int(response.headers["Content-Length"])
        return response

    def read(self, size: int) -> None:
        self.body += self.response.read(size)

    def finish(self) -> bytes | None:
        """Read what still comes; return the whole body, None when it is not whole."""
        try:
            while data := self.response.read1(MIB):
                self.body += data
        except ConnectionResetError:
            assert len(self.body) < self.length
        self.response.close()
        return self.body if len(self.body) == self.length else None

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(scope="module")
def content() -> bytes:
    return make_tgz({"var/log/noise": Random(5).randbytes(24 * MIB)})


@pytest.fixture
def upload_id(live: Live, content: bytes) -> str:
    """Give a clean upload of this test's own."""
    upload_id = live.put(content)["id"]
    assert live.settled(upload_id)["state"] == "clean"
    return str(upload_id)


def stored(live: Live, upload_id: str) -> Path:
    return next((live.application.storage / "sealed").glob(f"*/{upload_id}"))


def state(live: Live, upload_id: str) -> str:
    return str(live.sql("SELECT state FROM upload WHERE id = %s", upload_id)[0][0])


def deeds(live: Live, upload_id: str, action: str) -> int:
    found = "SELECT count(*) FROM audit_event WHERE upload_id = %s AND action = %s"
    return int(live.sql(found, upload_id, action)[0][0])


def rename_over(path: Path) -> None:
    other = path.with_name("new")
    other.write_bytes(path.read_bytes())
    other.replace(path)


def overwrite(path: Path) -> None:
    path.chmod(0o600)
    with path.open("r+b") as file:
        for at in range(0, path.stat().st_size, 64 * 1024):
            os.pwrite(file.fileno(), b"changed!", at)


def truncate(path: Path) -> None:
    path.chmod(0o600)
    os.truncate(path, path.stat().st_size // 3)


def touch(path: Path) -> None:
    """Change one byte near the end, and put the times back as they were."""
    before = path.stat()
    path.chmod(0o600)
    with path.open("r+b") as file:
        os.pwrite(file.fileno(), b"!", before.st_size - 1000)
    path.chmod(0o400)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("tamper", [rename_over, overwrite, truncate, touch, Path.unlink])
def test_no_body_is_whole_after_a_swap(
    live: Live, content: bytes, upload_id: str, tamper: Callable[[Path], None]
) -> None:
    """T26: at 0, 10 and 50 % no body comes to its end; at 99 % none but one of the old bytes."""
    readers = {percent: Reader(live, upload_id) for percent in (0, 10, 50, 99)}
    second_half = Reader(live, upload_id, Range=f"bytes={len(content) // 2}-")
    for percent, reader in readers.items():
        reader.read(len(content) * percent // 100)
    tamper(stored(live, upload_id))
    assert readers[99].finish() in {None, content}
    assert [readers[percent].finish() for percent in (0, 10, 50)] == [None] * 3
    assert second_half.finish() is None
    for reader in [second_half, *readers.values()]:
        reader.close()
    refused = live.get(f"/api/v1/uploads/{upload_id}/content", "engineer")
    assert (refused.status_code, refused.json()["state"]) == (409, "integrity_failed")
    assert state(live, upload_id) == "integrity_failed"
    assert deeds(live, upload_id, "upload.integrity_failed") == 1
    assert deeds(live, upload_id, "upload.download_cut") in {4, 5}
    mails = eventually(lambda: _alarms(live, upload_id), "the alarm")
    assert {live.accounts[role]["email"] for role in ("admin", "engineer")} <= set(mails)


def _alarms(live: Live, upload_id: str) -> list[str] | None:
    """Return whom the alarm reached, once nothing of it is under way any more."""
    told = "SELECT recipient FROM delivery WHERE upload_id = %s AND event = 'upload.integrity_failed'"
    to = [mail["to"] for mail in live.mails(upload_id) if "Stored bytes changed" in mail["subject"]]
    return sorted(to) if len(to) >= len(live.sql(told, upload_id)) else None


@pytest.mark.parametrize("deed", ["flip", "delete"])
def test_a_recall_ends_what_is_under_way(live: Live, upload_id: str, deed: str) -> None:
    """A bundle that is blocked or deleted is so for everybody, at once; that is no alarm."""
    reader = Reader(live, upload_id)
    reader.read(MIB)
    if deed == "flip":
        live.sql("UPDATE upload SET state = 'infected' WHERE id = %s", upload_id)
    else:
        assert live.request("DELETE", f"/api/v1/uploads/{upload_id}", "admin").status_code == 204
    assert reader.finish() is None
    reader.close()
    eventually(lambda: deeds(live, upload_id, "upload.download_cut") == 1, "the trace of the cut")
    assert state(live, upload_id) == ("infected" if deed == "flip" else "deleted")
    assert deeds(live, upload_id, "upload.integrity_failed") == 0


def test_a_slow_reader_gets_every_byte_and_keeps_the_connection(live: Live) -> None:
    """60 MB through a narrow window, then a HEAD, a part and the whole again over the same connection."""
    content = make_tgz({"var/log/noise": Random(6).randbytes(60 * MIB)})
    upload_id = live.put(content)["id"]
    assert live.settled(upload_id)["state"] == "clean"
    reader = Reader(live, upload_id)
    digest, left = hashlib.sha256(), reader.length
    while data := reader.response.read(min(left, 16 * 1024)):
        digest.update(data)
        left -= len(data)
    assert (left, digest.digest()) == (0, hashlib.sha256(content).digest())
    head = reader.ask("HEAD", f"/download/{upload_id}")
    assert (head.read(), head.headers["Content-Length"]) == (b"", str(len(content)))
    part = reader.ask("GET", f"/download/{upload_id}", Range="bytes=1000-20000000")
    assert (part.status, part.read() == content[1000:20_000_001]) == (206, True)
    reader.response = reader.ask("GET", f"/download/{upload_id}", Connection="close")
    reader.body = b""
    assert reader.finish() == content
    reader.close()
    assert deeds(live, upload_id, "upload.download_cut") == 0
    assert deeds(live, upload_id, "upload.downloaded") == 3


def test_the_clean_members_come_whole_or_plainly_not(live: Live) -> None:
    """T26 without a Content-Length: the last chunk is what says that a body is whole."""
    noise = Random(7).randbytes(24 * MIB)
    upload_id = live.put(make_tgz({"bad": eicar(), "var/log/noise": noise}))["id"]
    assert live.settled(upload_id)["state"] == "infected"
    address = f"/quarantine/{upload_id}/clean-members"
    whole = live.get(address, "engineer")
    assert whole.headers["Transfer-Encoding"] == "chunked"
    assert noise in whole.content
    assert eicar() not in whole.content
    with live.get(address, "engineer", stream=True) as cut:
        chunks = cut.iter_content(64 * 1024)
        got = len(next(chunks))
        touch(stored(live, upload_id))
        with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError)):
            got += sum(map(len, chunks))
    assert got < len(whole.content)
    assert state(live, upload_id) == "integrity_failed"
