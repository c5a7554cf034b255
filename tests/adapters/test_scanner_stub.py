"""A clamd that gives every odd reply, in every odd manner, against the whole scan.

T23, F15: one reply is clean.
"""

import socket
import time
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.domain.errors import ScannerUnavailableError
from app.domain.verdict import Obstacle, Verdict
from app.services.scanning.examine import PASSES
from tests.adapters.clamd_stub import (
    LARGE,
    OK,
    SMALL,
    TIMEOUT,
    Answer,
    Stub,
    replying,
    running,
    scan,
    take_all,
)
from tests.adapters.replies import ERROR, REPLIES


@pytest.fixture(scope="module")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stub]:
    with running(tmp_path_factory.mktemp("stub")) as server:
        yield server


def test_the_literal_is_clean(stub: Stub) -> None:
    for bundle in (SMALL, LARGE):
        report = scan(stub, replying(OK), bundle)
        assert (report.verdict, report.complete) == (Verdict.CLEAN, True)
    assert report.engine.signatures == "27450"


def test_the_literal_is_clean_however_slowly_it_comes(stub: Stub) -> None:
    assert scan(stub, replying(*(bytes((byte,)) for byte in OK), pause=0.002)).verdict is Verdict.CLEAN


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: ascii(reply.decode("latin-1"))[1:60])
def test_every_reply_has_one_meaning(stub: Stub, reply: bytes) -> None:
    verdict, obstacle = REPLIES[reply]
    report = scan(stub, replying(reply))
    assert report.verdict is verdict, report
    assert obstacle is None or report.obstacle is obstacle
    assert report.complete is (verdict is Verdict.INFECTED)
    for words in (report.reason or "", *(finding.signature for finding in report.findings)):
        assert words.isprintable()
        assert len(words) < 4000


near = st.builds(
    lambda at, lost, data: OK[:at] + data + OK[at + lost :],
    st.integers(0, len(OK)),
    st.integers(0, 3),
    st.binary(max_size=3) | st.sampled_from([b" ", b"\n", b"\0", b"\r", b"stream: OK\n"]),
)


@settings(deadline=None, max_examples=150)
@given(near | st.binary(max_size=80))
@example(OK[:-1])
@example(OK + OK)
def test_nothing_near_the_literal_is_clean(stub: Stub, reply: bytes) -> None:
    clean = scan(stub, replying(reply)).verdict is Verdict.CLEAN
    assert clean is (reply == OK)


def test_what_is_no_answer_is_asked_for_again(stub: Stub) -> None:
    """T23: retried, and then UNSCANNABLE."""
    before = stub.streams
    report = scan(stub, replying(b"stream: Can't allocate memory ERROR\n"))
    assert report.obstacle is Obstacle.SCANNER_ERROR
    assert "allocate memory" in (report.reason or "")
    assert stub.streams - before == PASSES

    def better_the_second_time(connection: socket.socket) -> None:
        replying(OK if stub.streams > before + 1 else b"")(connection)

    before = stub.streams
    assert scan(stub, better_the_second_time).verdict is Verdict.CLEAN


def hangs_up_at_once(connection: socket.socket) -> None:
    connection.close()


def hangs_up_within(connection: socket.socket) -> None:
    connection.recv(20_000)


def answers_at_once(connection: socket.socket) -> None:
    connection.sendall(OK)


def answers_within(connection: socket.socket) -> None:
    connection.recv(20_000)
    connection.sendall(OK)


def answers_within_and_listens_on(connection: socket.socket) -> None:
    answers_within(connection)
    while connection.recv(100_000):
        pass


def answers_at_once_and_listens_on(connection: socket.socket) -> None:
    connection.sendall(OK)
    take_all(connection)


def errs_within(connection: socket.socket) -> None:
    connection.recv(20_000)
    connection.sendall(b"COMMAND READ TIMED OUT\n")


def errs_within_and_then_says_ok(connection: socket.socket) -> None:
    connection.recv(20_000)
    connection.sendall(b"COMMAND READ TIMED OUT\n" + OK)


def half_an_answer_within(connection: socket.socket) -> None:
    connection.recv(20_000)
    connection.sendall(OK[:7])
    while connection.recv(100_000):
        pass


@pytest.mark.parametrize(
    "answer",
    [
        hangs_up_at_once,
        hangs_up_within,
        answers_at_once,
        answers_within,
        answers_within_and_listens_on,
        answers_at_once_and_listens_on,
        errs_within,
        errs_within_and_then_says_ok,
        half_an_answer_within,
    ],
)
def test_what_comes_before_the_end_is_no_answer(stub: Stub, answer: Answer) -> None:
    """Whoever did not hear it all cannot know."""
    report = scan(stub, answer, LARGE)
    assert (report.verdict, report.obstacle) == ERROR


@pytest.mark.parametrize(
    "said", [b"", b"stream: ", b"stream: OK"], ids=["nothing", "half", "all but its end"]
)
def test_silence_ends(stub: Stub, said: bytes) -> None:
    def falls_silent(connection: socket.socket) -> None:
        take_all(connection)
        connection.sendall(said)
        stub.over.wait(10)

    started = time.monotonic()
    report = scan(stub, falls_silent)
    assert (report.verdict, report.obstacle) == ERROR
    assert f"{TIMEOUT} seconds" in (report.reason or "")
    assert time.monotonic() - started < PASSES * TIMEOUT + 3


def test_a_clamd_that_stops_listening_does_not_hold_the_scan(stub: Stub) -> None:
    def deaf(_: socket.socket) -> None:
        stub.over.wait(10)

    started = time.monotonic()
    assert scan(stub, deaf, LARGE).obstacle is Obstacle.SCANNER_ERROR
    assert time.monotonic() - started < 2 * PASSES * TIMEOUT + 3


@pytest.mark.parametrize(
    "version", [b"", b"\n", b"stream: OK\n", b"PONG\n", b"ClamAV\n", b"\xff\n", b"x" * 99_999]
)
def test_who_does_not_say_who_it_is_scans_nothing(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, version: bytes
) -> None:
    """A verdict names its engine; without one there is none."""
    monkeypatch.setattr(stub, "version", version)
    before = stub.streams
    with pytest.raises(ScannerUnavailableError):
        scan(stub, replying(OK))
    assert stub.streams == before
