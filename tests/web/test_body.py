"""Request bodies and connections through a real gunicorn, seen from the other end of the socket."""

import hashlib
import io
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, parse_headers
from pathlib import Path
from typing import BinaryIO

import pytest

from app.domain.errors import BadRequestError, TruncatedBodyError
from app.web.body import open_body
from tests.web.probe import FILE_BYTES

ROOT = Path(__file__).parents[2]
DATA = os.urandom(700_001)
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Give the port of a gunicorn; the socket is listening before it starts, so nobody waits."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = ["gunicorn", "-c", "tests/web/probe.py", "-b", f"fd://{listener.fileno()}"]
        server = subprocess.Popen(
            [sys.executable, "-m", *command, "tests.web.probe:application"],
            cwd=ROOT,
            pass_fds=[listener.fileno()],
        )
        try:
            yield listener.getsockname()[1]
        finally:
            server.terminate()
            server.wait()


@pytest.fixture
def wire(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        yield connection


def head(length: int | None, *fields: str, path: str = "/") -> bytes:
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return "\r\n".join([f"PUT {path} HTTP/1.1", "Host: x", framing, *fields, "", ""]).encode()


@dataclass(frozen=True)
class Answer:
    status: int
    closes: bool
    said: dict[str, object]


def read_answer(stream: BinaryIO) -> Answer:
    status = int(stream.readline().split()[1])
    headers = parse_headers(stream)
    said = json.loads(stream.read(int(headers["Content-Length"])))
    return Answer(status, headers["Connection"] == "close", said)


def answer(wire: socket.socket) -> Answer:
    with wire.makefile("rb") as stream:
        return read_answer(stream)


def test_body_in_the_first_packet(wire: socket.socket) -> None:
    wire.sendall(head(len(DATA)) + DATA)

    got = answer(wire)

    assert got.said == {"size": len(DATA), "sha256": SHA256, "length": len(DATA), "by": "_SocketBody"}
    assert not got.closes


def test_body_in_small_packets_and_keep_alive_after_it(wire: socket.socket) -> None:
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for _ in range(3):
        wire.sendall(head(len(DATA)))
        for start in range(0, len(DATA), 9973):
            wire.sendall(DATA[start : start + 9973])
        assert answer(wire).said["sha256"] == SHA256


@pytest.mark.parametrize("size", [0, 1, 5000, 100_000, 700_001])
def test_a_pipelined_request_is_not_eaten(wire: socket.socket, size: int) -> None:
    first, second = DATA[:size], DATA[:321]
    wire.sendall(head(len(first)) + first + head(len(second)) + second)
    with wire.makefile("rb") as stream:
        sizes = [read_answer(stream).said["size"] for _ in range(2)]

    assert sizes == [len(first), len(second)]


def test_expect_is_answered_when_the_body_is_wanted(wire: socket.socket) -> None:
    wire.sendall(head(len(DATA), "Expect: 100-continue"))
    assert wire.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
    wire.sendall(DATA)

    got = answer(wire)

    assert got.said["sha256"] == SHA256
    assert not got.closes


def test_a_refusal_comes_before_the_body_is_asked_for(wire: socket.socket) -> None:
    wire.sendall(head(len(DATA), "Expect: 100-continue", path="/refuse"))

    got = answer(wire)

    assert got == Answer(413, closes=True, said={"refused": True})
    assert wire.recv(1) == b""


def test_a_sender_that_does_not_listen_still_gets_the_refusal(wire: socket.socket) -> None:
    """200 MB, sent to the last byte before the first byte of the answer is read."""
    megabyte = bytes(1024**2)
    wire.sendall(head(200 * len(megabyte), path="/refuse"))
    for _ in range(200):
        wire.sendall(megabyte)

    got = answer(wire)

    assert got == Answer(413, closes=True, said={"refused": True})


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("expect", ["Expect: 100-continue", "Expect:"])
@pytest.mark.parametrize("source", ["file", "pipe"])
def test_curl_gets_the_refusal(port: int, tmp_path: Path, expect: str, source: str) -> None:
    bundle = tmp_path / "big.tgz"
    with bundle.open("wb") as file:
        file.truncate(200 * 1024**2)
    options = ["-sS", "-H", expect, "-w", "%{http_code}", "-T", str(bundle) if source == "file" else "-"]

    with bundle.open("rb") as stdin:
        done = subprocess.run(
            ["curl", *options, f"http://127.0.0.1:{port}/refuse"],
            stdin=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.stdout == '{"refused": true}413', done.stderr


def test_a_sender_that_leaves_early(wire: socket.socket) -> None:
    wire.sendall(head(1000) + b"x" * 400)
    wire.shutdown(socket.SHUT_WR)

    got = answer(wire)

    assert got.status == 400
    assert "400 of 1,000 bytes" in str(got.said["message"])
    assert got.closes


def test_a_sender_that_falls_silent(wire: socket.socket) -> None:
    wire.sendall(head(1000) + b"x" * 400)

    got = answer(wire)

    assert got.status == 408
    assert "too long" in str(got.said["message"])
    assert "400 of 1,000 bytes" in str(got.said["message"])


def test_a_chunked_body(wire: socket.socket) -> None:
    for _ in range(2):
        wire.sendall(head(None))
        for start in range(0, len(DATA), 99_991):
            piece = DATA[start : start + 99_991]
            wire.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
        wire.sendall(b"0\r\n\r\n")

        got = answer(wire)

        assert got.said == {"size": len(DATA), "sha256": SHA256, "length": None, "by": "_ChunkedBody"}
        assert not got.closes


@pytest.mark.parametrize(
    ("chunks", "code"),
    [(b"5\r\nabc", "stopped early"), (b"zz\r\nabc\r\n", "malformed"), (b"3\r\nabcXX0\r\n\r\n", "malformed")],
)
def test_a_broken_chunked_body(wire: socket.socket, chunks: bytes, code: str) -> None:
    wire.sendall(head(None) + chunks)
    wire.shutdown(socket.SHUT_WR)

    got = answer(wire)

    assert got.status == 400
    assert code in str(got.said["message"])
    assert got.closes


def test_curl_sends_from_a_pipe(port: int) -> None:
    done = subprocess.run(
        ["curl", "-sS", "-T", "-", f"http://127.0.0.1:{port}/"], input=DATA, capture_output=True, check=True
    )
    assert json.loads(done.stdout)["sha256"] == SHA256


def test_a_file_is_still_sent_by_the_kernel_and_whole(port: int) -> None:
    with closing(HTTPConnection("127.0.0.1", port)) as connection:
        connection.request("GET", "/file", headers={"Connection": "close"})
        assert len(connection.getresponse().read()) == FILE_BYTES


def test_other_servers_are_read_through_wsgi_input() -> None:
    body = open_body({"wsgi.input": io.BytesIO(b"abcdef"), "CONTENT_LENGTH": "3"}, timeout=1)
    buffer = memoryview(bytearray(10))

    assert (body.length, body.readinto(buffer), bytes(buffer[:3]), body.readinto(buffer)) == (3, 3, b"abc", 0)


def test_other_servers_bodies_may_end_early_too() -> None:
    body = open_body({"wsgi.input": io.BytesIO(b"abc"), "CONTENT_LENGTH": "4"}, timeout=1)
    buffer = memoryview(bytearray(10))
    assert body.readinto(buffer) == 3

    with pytest.raises(TruncatedBodyError, match="3 of 4 bytes"):
        body.readinto(buffer)


def test_without_a_length_there_is_no_body() -> None:
    assert open_body({"wsgi.input": io.BytesIO(b"abc")}, timeout=1).length == 0
    with pytest.raises(BadRequestError):
        open_body({"wsgi.input": io.BytesIO(b"abc"), "CONTENT_LENGTH": "-3"}, timeout=1)
