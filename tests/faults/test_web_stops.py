"""The web is told to stop while bytes arrive, as a release does: F22."""

import base64
import hashlib
import http.client
import json
import time
from collections.abc import Callable
from http import HTTPStatus

import pytest
import requests

from tests.faults.lab import Answer, Lab, Sender, Tus

KIB = 1024
PATIENT = 60  # seconds to live, of which no test needs so many


@pytest.fixture
def make(make_lab: Callable[..., Lab]) -> Callable[[int], Lab]:
    """Give a way to start a product of which one process is the web, and has so many seconds to stop in."""

    def make(seconds: int) -> Lab:
        lab = make_lab(DIAGPORT_WEB_PROCESSES="1", DIAGPORT_GRACEFUL_TIMEOUT=str(seconds))
        lab["web"].grace = seconds + 10
        return lab

    return make


def in_the_file(lab: Lab) -> int:
    """Look at what lies in the store, durable or not."""
    return sum(path.stat().st_size for path in (lab.live.application.storage / "incoming").glob("*/*"))


def arrived(lab: Lab, *senders: Sender) -> None:
    """Wait until all that was sent has been read."""
    sent = sum(sender.sent for sender in senders)
    lab.wait(lambda: in_the_file(lab) == sent, "all of it in the store", 20)


def refused(lab: Lab) -> bool:
    try:
        requests.get(f"{lab.live.url}/healthz", timeout=10)
    except requests.ConnectionError:
        return True
    return False


def problem(answer: Answer, status: int, code: str) -> None:
    assert (answer.status, json.loads(answer.body)["code"]) == (status, code), answer.body
    assert answer.headers["Connection"] == "close"
    assert int(answer.headers["Retry-After"]) == json.loads(answer.body)["retry_after"] > 0


def finish(lab: Lab, tus: Tus, offset: int) -> None:
    finished = tus.patch(offset)
    assert finished.status == HTTPStatus.OK, finished.body
    lab.acknowledged(json.loads(finished.body), tus.content)


def test_what_can_be_resumed_is_let_go_at_once_with_all_that_came(
    make: Callable[[int], Lab], bundle: Callable[..., bytes]
) -> None:
    """One sender is busy, one silent; one began with the creation and is told where."""
    lab = make(PATIENT)
    busy, silent, created = (bundle(300 * KIB, seed) for seed in range(3))
    uploads = [Tus(lab.live, content) for content in (busy, silent)]
    senders = [tus.begin(0, len(tus.content)) for tus in uploads]
    senders.append(
        Sender(
            lab.live, "POST", "/tus", len(created),
            Tus_Resumable="1.0.0", Upload_Length=str(len(created)),
            Upload_Metadata="filename YS50Z3o=", Content_Type="application/offset+octet-stream",
        )
    )  # fmt: skip
    for sender, content in zip(senders, (busy, silent, created), strict=True):
        sender.send(content[: 100 * KIB])
    arrived(lab, *senders)
    began = time.monotonic()
    lab["web"].ask_to_stop()
    lab.wait(lambda: refused(lab), "nobody answers the door", 10)
    senders[0].send(busy[100 * KIB : 120 * KIB])
    first, second, third = (sender.answer() for sender in senders)
    assert time.monotonic() - began < 10, "nobody waits for the silent one"
    for answer in (first, second):
        problem(answer, 503, "stopping")
    offset = int(first.headers["Upload-Offset"])
    assert 100 * KIB <= offset <= 120 * KIB
    assert int(second.headers["Upload-Offset"]) == 100 * KIB
    assert (third.status, third.headers["Upload-Offset"]) == (201, str(100 * KIB))
    lab["web"].stop()
    lab.restart("web")
    assert [tus.offset() for tus in uploads] == [offset, 100 * KIB]
    finish(lab, uploads[0], offset)
    finish(lab, uploads[1], 100 * KIB)
    uploads[0].path, uploads[0].content = third.headers["Location"], created
    assert uploads[0].offset() == 100 * KIB
    finish(lab, uploads[0], 100 * KIB)
    lab.all_kept()


def test_what_would_come_again_as_a_whole_has_its_time(
    make: Callable[[int], Lab], bundle: Callable[..., bytes]
) -> None:
    """A PUT, and a chunk that counts only as a whole; who is connected is told to go elsewhere next."""
    lab = make(PATIENT)
    content = bundle(200 * KIB, 1)
    put = Sender(lab.live, "PUT", "/upload/a.tgz", len(content))
    tus = Tus(lab.live, bundle(200 * KIB, 2))
    digest = base64.b64encode(hashlib.sha256(tus.content).digest()).decode()
    chunk = tus.begin(0, len(tus.content), Upload_Checksum=f"sha256 {digest}")
    put.send(content[: 100 * KIB])
    chunk.send(tus.content[: 100 * KIB])
    arrived(lab, put, chunk)
    kept = http.client.HTTPConnection("127.0.0.1", lab.live.application.port, timeout=10)
    kept.request("GET", "/healthz")
    assert kept.getresponse().read()
    web = lab["web"]
    web.ask_to_stop()
    lab.wait(lambda: refused(lab), "nobody answers the door", 10)
    kept.request("GET", "/readyz")
    answer = kept.getresponse()
    assert (answer.status, answer.headers["Connection"]) == (503, "close")
    assert json.loads(answer.read())["status"] == "stopping"
    assert web.running
    put.send(content[100 * KIB :])
    chunk.send(tus.content[100 * KIB :])
    for sender, status in ((put, 201), (chunk, 200)):
        whole = sender.answer()
        assert (whole.status, whole.headers["Connection"]) == (status, "close"), whole.body
        lab.acknowledged(json.loads(whole.body), content if sender is put else tus.content)
    assert web.popen
    assert web.popen.wait(10) == 0, "with the last of them it ends"
    lab.restart("web")
    lab.all_kept()


def test_who_outlasts_the_time_is_told_to_come_again(
    make: Callable[[int], Lab], bundle: Callable[..., bytes]
) -> None:
    """Nothing of a PUT is kept, and its row says so; of a chunk with a checksum the offset before counts."""
    lab = make(4)
    content = bundle(200 * KIB, 1)
    put = Sender(lab.live, "PUT", "/upload/a.tgz", len(content), Idempotency_Key="once")
    tus = Tus(lab.live, bundle(200 * KIB, 2))
    assert tus.patch(0, 1000).status == HTTPStatus.NO_CONTENT
    digest = base64.b64encode(hashlib.sha256(tus.content[1000:]).digest()).decode()
    chunk = tus.begin(1000, len(tus.content) - 1000, Upload_Checksum=f"sha256 {digest}")
    put.send(content[: 100 * KIB])
    chunk.send(tus.content[1000 : 100 * KIB])
    lab.wait(lambda: in_the_file(lab) == 200 * KIB, "all of it in the store", 20)
    web = lab["web"]
    web.ask_to_stop()
    problem(put.answer(), 503, "stopping")
    cut = chunk.answer()
    problem(cut, 503, "stopping")
    assert cut.headers["Upload-Offset"] == "1000"
    assert web.popen
    assert web.popen.wait(10) == 0
    assert lab.live.sql("SELECT state, reason LIKE '%%restarted%%' FROM upload WHERE door = 'put'") == [
        ("abandoned", True)
    ]
    lab.restart("web")
    assert tus.offset() == 1000
    finish(lab, tus, 1000)
    lab.put(content, **{"Idempotency-Key": "once"})
    lab.all_kept()
