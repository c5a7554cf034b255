"""How a body leaves: every byte of its window once and in order, and never whole against a watch's word."""

import io
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.web import outgoing
from app.web.outgoing import Body, CutShortError, parts_of_file, parts_of_stream

CONTENT = Random(1).randbytes(400_000)


class Watch:
    """Says no at look number ``no_at``, from 0, or at the last one."""

    def __init__(self, no_at: int | None = None, *, no_at_last: bool = False) -> None:
        self.looks = self.lasts = 0
        self._no_at, self._no_at_last = no_at, no_at_last

    def look(self) -> None:
        if self.looks == self._no_at:
            raise CutShortError("no")
        self.looks += 1

    def look_last(self) -> None:
        self.lasts += 1
        if self._no_at_last:
            raise CutShortError("no")


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, size in {"TAIL": 1_000, "COPIED": 50_000, "READ_BYTES": 7_000, "PIECE": 30_000}.items():
        monkeypatch.setattr(outgoing, name, size)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "object"
    path.write_bytes(CONTENT)
    return path


@contextmanager
def line() -> Iterator[tuple[socket.socket, Callable[[], tuple[bytes, bool]]]]:
    """Give a server's socket and a way to learn what its client got and whether the line broke."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    got = bytearray()
    broken = threading.Event()

    def receive() -> None:
        try:
            while data := client.recv(65536):
                got.extend(data)
        except ConnectionResetError:
            broken.set()

    thread = threading.Thread(target=receive)
    thread.start()

    def result() -> tuple[bytes, bool]:
        server.close()
        thread.join(20)
        return bytes(got), broken.is_set()

    server.settimeout(20)
    try:
        yield server, result
    finally:
        result()
        client.close()


def serve(body: Body, server: socket.socket | None) -> bytes:
    """Take a body as a WSGI server does; return what was not written to the socket."""
    taken = b""
    try:
        for part in body:
            if server is None:
                taken += part
            else:
                server.sendall(part)
    finally:
        body.close()
    return taken


@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, len(CONTENT)), st.integers(0, len(CONTENT)), st.booleans())
def test_a_window_goes_out_whole_and_once(
    small_steps: None,
    path: Path,
    one: int,
    other: int,
    by_kernel: bool,
) -> None:
    start, stop = min(one, other), max(one, other)
    watch, file = Watch(), path.open("rb")
    if by_kernel:
        with line() as (server, result):
            serve(Body(parts_of_file(file, start, stop, watch, server), file, server), server)
            assert result() == (CONTENT[start:stop], False)
    else:
        assert (
            serve(Body(parts_of_file(file, start, stop, watch, None), file, None), None)
            == CONTENT[start:stop]
        )
    assert watch.lasts == 1
    assert file.closed


@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, len(CONTENT) - 1), st.integers(0, 12) | st.none())
def test_after_a_no_the_body_is_short_and_the_line_broken(
    small_steps: None, path: Path, start: int, no_at: int | None
) -> None:
    """T26: whenever it is said, the last look included."""
    file = path.open("rb")
    watch = Watch(no_at, no_at_last=True)
    with line() as (server, result):
        with pytest.raises(CutShortError):
            serve(Body(parts_of_file(file, start, len(CONTENT), watch, server), file, server), server)
        with pytest.raises(BrokenPipeError):
            server.sendall(b"x")
        got, broken = result()
    assert len(got) < len(CONTENT) - start
    assert broken, "nobody takes it for a whole one"
    assert CONTENT[start:].startswith(got)


def test_a_file_that_ends_early_ends_the_line(small_steps: None, path: Path) -> None:
    """T26: cut under the kernel's feet."""
    for length in (300_000, 360_000, len(CONTENT) - 10):
        path.write_bytes(CONTENT)
        file = path.open("rb")
        watch = Watch()
        with line() as (server, result):
            body = Body(parts_of_file(file, 0, len(CONTENT), watch, server), file, server)
            os.truncate(path, length)
            with pytest.raises(CutShortError):
                serve(body, server)
            assert len(result()[0]) < len(CONTENT)
        assert watch.lasts == 1, "the watch had its say first"


def test_a_client_that_takes_nothing_is_given_up(small_steps: None, path: Path) -> None:
    """F23."""
    os.truncate(path, 64 * 1024**2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    with client, server, path.open("rb") as file:
        server.settimeout(0.2)
        watch = Watch()
        body = Body(parts_of_file(file, 0, 64 * 1024**2, watch, server), file, server)
        with pytest.raises(CutShortError, match="takes nothing"):
            serve(body, server)
        assert watch.lasts == 0


def test_the_last_look_waits_until_no_page_of_the_file_is_on_its_way(
    small_steps: None, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T26: what the kernel still holds could change after the last look."""
    waiting = [90_000, 60_000, 49_001, 49_000, 100_000]
    monkeypatch.setattr(outgoing, "_waiting", lambda _connection: waiting.pop(0))
    file = path.open("rb")
    with line() as (server, _):
        serve(Body(parts_of_file(file, 0, len(CONTENT), Watch(), server), file, server), server)
    assert waiting == [100_000], "the last 49,000 are copies"


def test_a_stream_keeps_its_last_chunk_back() -> None:
    chunks = [b"one", b"two", b"end"]
    assert list(parts_of_stream(chunks, Watch())) == chunks
    got: list[bytes] = []
    with pytest.raises(CutShortError):
        got.extend(parts_of_stream(chunks, Watch(no_at_last=True)))
    assert got == [b"one", b"two"]


def test_a_bug_on_the_way_breaks_the_line_too() -> None:
    def broken() -> Iterator[bytes]:
        yield b"one"
        raise ValueError("a bug")

    watch = Watch()
    with line() as (server, result):
        body = Body(parts_of_stream(broken(), watch), io.BytesIO(), server)
        with pytest.raises(CutShortError, match="a bug"):
            serve(body, server)
        assert result() == (b"", True)
    assert watch.lasts == 1, "the watch had its say first"
