"""Senders that are slow, or many, cost nobody else anything: T9, F23, I5, I7."""

import json
import select
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack

from tests.faults.lab import Answer, Lab, Sender, Tus
from tests.live import Live

KIB = 1024
PATIENCE = 20.0  # seconds, of a client on a machine with much else to do


class Trickle(Sender):
    """A request whose body comes a few bytes at a time, until the server has had enough."""

    def __init__(self, live: Live, method: str, path: str, *head: str) -> None:
        self.method, self.sent = method, 0
        self.socket = socket.create_connection(("127.0.0.1", live.application.port), timeout=PATIENCE)
        token = live.token("acme")["Authorization"]
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: {token}", *head, "", ""]
        self.socket.sendall("\r\n".join(lines).encode())

    def until_answered(self, content: bytes, *, chunked: bool = False) -> tuple[Answer, int]:
        """Send ten bytes every twentieth of a second; return the answer, and how much was sent."""
        sent = 0
        began = time.monotonic()
        while not select.select([self.socket], [], [], 0.05)[0]:
            assert time.monotonic() - began < PATIENCE, "nobody minds"
            piece = content[sent : sent + 10]
            self.socket.sendall(b"a\r\n%b\r\n" % piece if chunked else piece)
            sent += len(piece)
        return self.answer(), sent


def test_slow_bodies_are_given_up(make_lab: Callable[..., Lab], bundle: Callable[..., bytes]) -> None:
    """T9: through each door, by a portal that waits for a second."""
    strict = make_lab(DIAGPORT_BODY_RATE_WINDOW="1")
    for framing in ("Content-Length: 100000", "Transfer-Encoding: chunked", "form"):
        nothing_stays(strict, bundle(100_000), framing)
    what_came_is_kept(strict, bundle(100_000))
    even_who_is_nobody(strict)


def nothing_stays(strict: Lab, content: bytes, framing: str) -> None:
    if framing == "form":
        head = ["Content-Length: 100000", "Content-Type: multipart/form-data; boundary=frame"]
        slow = Trickle(strict.live, "POST", "/upload", *head)
        slow.socket.sendall(
            b'--frame\r\nContent-Disposition: form-data; name="diag"; filename="a.tgz"\r\n\r\n'
            + content[: 8 * KIB]
        )
        content = content[8 * KIB :]
    else:
        slow = Trickle(strict.live, "PUT", "/upload/a.tgz", framing)
    answer, sent = slow.until_answered(content, chunked="chunked" in framing)
    assert answer.status == 408
    said = json.loads(answer.body)
    assert said["code"] == "too_slow"
    assert "too slow. Try again over a better connection." in said["detail"]
    assert 0 < sent < 1024 * 10
    ends = strict.live.sql("SELECT state, reason FROM upload ORDER BY created_at")
    assert ends[-1] == ("abandoned", said["detail"])
    assert strict.live.sql("SELECT used_bytes, used_uploads FROM organisation WHERE slug = 'acme'") == [
        (0, 0)
    ]
    assert not list(strict.live.application.storage.glob("*/*/*"))


def what_came_is_kept(strict: Lab, content: bytes) -> None:
    tus = Tus(strict.live, content)
    slow = Trickle(
        strict.live, "PATCH", tus.path, f"Content-Length: {len(tus.content)}", "Tus-Resumable: 1.0.0",
        "Upload-Offset: 0", "Content-Type: application/offset+octet-stream",
    )  # fmt: skip
    slow.socket.sendall(tus.content[: 8 * KIB])
    answer, sent = slow.until_answered(tus.content[8 * KIB :])
    assert (answer.status, json.loads(answer.body)["code"]) == (408, "too_slow")
    offset = tus.offset()
    assert 8 * KIB < offset <= 8 * KIB + sent
    finished = tus.patch(offset)
    assert finished.status == 200
    strict.acknowledged(json.loads(finished.body), tus.content)
    strict.all_kept()


def even_who_is_nobody(strict: Lab) -> None:
    """The forms of pages are read by other ways, and hold a thread no longer."""
    form = "Content-Type: application/x-www-form-urlencoded"
    slow = Trickle(strict.live, "POST", "/sign-in", "Content-Length: 100000", form)
    answer, sent = slow.until_answered(b"email=" + b"a" * 100_000)
    assert answer.status == 408
    assert 0 < sent < 10 * KIB


def page(lab: Lab) -> float:
    """Open a page; return how many seconds that took."""
    began = time.monotonic()
    assert lab.live.get("/files", "engineer").status_code == 200
    return time.monotonic() - began


def test_a_crowd_is_told_to_come_again_and_pages_still_answer(
    make_lab: Callable[..., Lab], bundle: Callable[..., bytes]
) -> None:
    """T9: eight threads may receive, six of one organisation; sixty senders, none of whom ever hurries."""
    lab = make_lab(
        DIAGPORT_WEB_PROCESSES="1",
        DIAGPORT_WEB_THREADS="12",
        DIAGPORT_WEB_RESERVED_THREADS="4",
        DIAGPORT_MAX_OPEN_BODIES="6",
    )
    content = bundle(200_000)
    with ExitStack() as open_now:
        crowd = []
        for _ in range(60):
            crowd.append(Sender(lab.live, "PUT", "/upload/a.tgz", len(content)))
            open_now.callback(crowd[-1].close)
            crowd[-1].send(content[: 4 * KIB])
        lab.wait(lambda: lab.live.sql("SELECT count(*) FROM upload") == [(6,)], "six were let in", PATIENCE)
        refused: list[Sender] = []

        def all_refused() -> bool:
            sockets = [sender.socket for sender in crowd if sender not in refused]
            ready, _, _ = select.select(sockets, [], [], 0)
            refused.extend(sender for sender in crowd if sender.socket in ready)
            return len(refused) == 54

        lab.wait(all_refused, "the others were refused", PATIENCE)
        # Nobody closes: whoever was refused is waited for, and yet there are threads for pages ...
        assert max(page(lab) for _ in range(5)) < 5
        # ... and for somebody else's bundle, in less than a sender's whole time.
        other = lab.live.put(content, who="globex")
        assert other["state"] == "sealed"
        for sender in refused:
            answer = sender.answer()
            assert answer.status == 503
            assert int(answer.headers["Retry-After"]) > 0
            assert "Try again in a few seconds." in json.loads(answer.body)["detail"]
        for sender in set(crowd) - set(refused):
            sender.send(content[4 * KIB :])
            taken = sender.answer()
            assert taken.status == 201
            lab.acknowledged(json.loads(taken.body), content)
    assert len(lab.ledger) == 6
    lab.all_kept()
    with ExitStack() as open_now:
        for number in range(60):
            silent = socket.create_connection(("127.0.0.1", lab.live.application.port))
            open_now.enter_context(silent)
            if number < 8:
                silent.sendall(b"GET /files HTTP/1.1\r\nHost: localhost\r\n")  # and stops there
        # Who says nothing takes no thread, and who stops soon none.
        assert max(page(lab) for _ in range(5)) < 5
