"""The doors behind the real server, where framing, waiting and sending are the network's. T4, T16, F23."""

import hashlib
import socket
from contextlib import suppress
from random import Random

import pytest

from tests.factories.bundles import make_tgz
from tests.live import Live, eventually

BUNDLE = make_tgz({"var/log/messages": Random(3).randbytes(3_000_000)})


def talk(live: Live, *pieces: bytes, half_close: bool = False) -> bytes:
    """Send raw bytes; return all that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", live.application.port), timeout=20) as connection:
        for piece in pieces:
            connection.sendall(piece)
        if half_close:
            with suppress(OSError):  # the server has had enough of it already
                connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def put_head(live: Live, *lines: str) -> bytes:
    token = live.accounts["acme"]["token"]
    head = [
        "PUT /upload/raw.tgz HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {token}",
        "Connection: close",
        *lines,
    ]
    return "\r\n".join([*head, "", ""]).encode()


def named_raw(live: Live) -> list[tuple[str, int | None]]:
    return [
        (state, size) for state, size in live.sql("SELECT state, size FROM upload WHERE filename = 'raw.tgz'")
    ]


def test_a_bundle_comes_back_as_it_went(live: Live) -> None:
    upload = live.put(BUNDLE)
    assert upload["sha256"] == hashlib.sha256(BUNDLE).hexdigest()
    assert live.settled(upload["id"])["state"] == "clean"
    assert live.get(f"/download/{upload['id']}", "engineer").content == BUNDLE
    part = live.get(f"/download/{upload['id']}", "engineer", headers={"Range": "bytes=1000000-1999999"})
    assert (part.status_code, part.content) == (206, BUNDLE[1_000_000:2_000_000])
    foreign = live.get(f"/download/{upload['id']}", "globex")
    assert foreign.status_code == 404


def test_a_sender_that_waits_is_refused_before_it_sends(live: Live) -> None:
    """RFC 9110 section 10.1.1: a refusal costs nobody the body."""
    answer = talk(live, put_head(live, f"Content-Length: {10**15}", "Expect: 100-continue"))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"100 Continue" not in answer


def test_a_sender_that_leaves_in_the_middle_is_never_acknowledged(live: Live) -> None:
    """F23."""
    head = put_head(live, f"Content-Length: {len(BUNDLE)}")
    answer = talk(live, head, BUNDLE[: len(BUNDLE) // 2], half_close=True)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
    eventually(lambda: ("abandoned", None) in named_raw(live), "the row says that it was given up")
    assert all(size is None for _, size in named_raw(live))


def test_a_chunked_body_is_taken(live: Live) -> None:
    chunks = (BUNDLE[at : at + 99_999] for at in range(0, len(BUNDLE), 99_999))
    upload = live.request("PUT", "/upload/chunked.tgz", "acme", data=chunks)
    assert upload.status_code == 201, upload.text
    assert upload.json()["sha256"] == hashlib.sha256(BUNDLE).hexdigest()


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding: chunked, chunked",),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: +5",),
        ("Content-Length: 5, 5",),
        ("Content-Length: 0x5",),
        ("Content-Length : 5",),
        ("X-A: b\n\tfolded: 1", "Content-Length: 5"),
        ("Transfer-Encoding:\x0bchunked",),
        ("Content-Length: -1",),
    ],
    ids=repr,
)
def test_ambiguous_framing_is_refused_and_the_connection_closed(live: Live, lines: tuple[str, ...]) -> None:
    """T16, C18: what follows is never taken for a second request."""
    token = live.accounts["acme"]["token"]
    smuggled = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    head = ["PUT /upload/smuggled.tgz HTTP/1.1", "Host: localhost", f"Authorization: Bearer {token}", *lines]
    answer = talk(live, "\r\n".join([*head, "", ""]).encode() + b"0\r\n\r\n" + smuggled, half_close=True)
    assert answer[:10] in {b"HTTP/1.1 4", b"HTTP/1.1 5"}
    assert answer.count(b"HTTP/1.1 ") == 1
    assert live.sql("SELECT count(*) FROM upload WHERE filename = 'smuggled.tgz' AND size IS NOT NULL") == [
        (0,)
    ]
