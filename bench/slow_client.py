"""Many slow senders in one process: each sends a bundle by PUT at a steady rate.

python -m bench.slow_client <url> <senders> <bytes per second> <seconds> <token> [<token> ...]
"""

import argparse
import json
import resource
import selectors
import socket
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from bench.payload import PIECE, beginning

_TICK = 0.05  # seconds
_LATE = 1.1  # of the nominal time; who takes longer was not at full speed
_GRACE = 30.0  # seconds for answers after the last byte


@dataclass(slots=True)
class Sender:
    """One connection. ``sent`` counts the body, and not the head before it."""

    connection: socket.socket
    began: float
    pending: memoryview
    sent: int = 0
    answer: bytearray = field(default_factory=bytearray)
    seconds: float | None = None  # until the last byte was taken


def main() -> None:
    """Send; print one line of JSON.

    ``at_full_speed``: of the ``taken`` (201) those whose last byte went on time. ``refused``: got 503,
    of them ``told_when`` with Retry-After. ``other``: the rest, by status; 0 is a connection that was cut.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    for name in ("senders", "rate", "seconds"):
        parser.add_argument(name, type=int)
    parser.add_argument("tokens", nargs="+")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    senders = send(urlsplit(options.url), options.senders, options.rate, options.seconds, options.tokens)
    statuses: Counter[int] = Counter()
    full = told = 0
    for sender in senders:
        status = int(sender.answer[9:12]) if sender.answer.startswith(b"HTTP/") else 0
        statuses[status] += 1
        full += status == 201 and (sender.seconds or 0) <= options.seconds * _LATE
        told += status == 503 and b"\nretry-after:" in bytes(sender.answer).lower()
    taken, refused = statuses.pop(201, 0), statuses.pop(503, 0)
    print(
        json.dumps(
            {"taken": taken, "at_full_speed": full, "refused": refused, "told_when": told, "other": statuses}
        )
    )


def send(url: SplitResult, count: int, rate: int, seconds: int, tokens: list[str]) -> list[Sender]:
    """Let ``count`` senders send ``rate * seconds`` bytes each, evenly; return them with their answers."""
    size = rate * seconds
    start = beginning(size)
    body = memoryview((start + PIECE * (size // len(PIECE) + 1))[:size])
    senders = [_begin(url, size, tokens[number % len(tokens)]) for number in range(count)]
    give_up = time.monotonic() + seconds * 2 + _GRACE
    with selectors.DefaultSelector() as selector:
        for sender in senders:
            selector.register(sender.connection, selectors.EVENT_READ, sender)
        while selector.get_map() and time.monotonic() < give_up:
            tick = time.monotonic()
            for key, _ in selector.select(0):
                if not _read(key.data):
                    selector.unregister(key.data.connection)
            for key in list(selector.get_map().values()):
                if not key.data.answer:
                    _write(key.data, body, rate)
            time.sleep(max(0.0, _TICK - (time.monotonic() - tick)))
    return senders


def _begin(url: SplitResult, size: int, token: str) -> Sender:
    connection = socket.create_connection((url.hostname, url.port), timeout=30)
    connection.setblocking(False)
    head = (
        f"PUT {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Length: {size}\r\nConnection: close\r\n\r\n"
    )
    return Sender(connection, time.monotonic(), memoryview(head.encode()))


def _write(sender: Sender, body: memoryview, rate: int) -> None:
    """Send what is due by now, as far as the kernel takes it."""
    try:
        while sender.pending:
            sender.pending = sender.pending[sender.connection.send(sender.pending) :]
        due = min(int((time.monotonic() - sender.began) * rate), len(body))
        if due > sender.sent:
            sender.sent += sender.connection.send(body[sender.sent : due])
            if sender.sent == len(body):
                sender.seconds = time.monotonic() - sender.began
    except OSError:
        return  # full for now, or cut: then reading tells what the server said before


def _read(sender: Sender) -> bool:
    """Take what the server says; say whether more may come."""
    try:
        data = sender.connection.recv(65536)
    except BlockingIOError:
        return True
    except OSError:
        data = b""
    sender.answer += data
    if not data:
        sender.connection.close()
    return bool(data)


if __name__ == "__main__":
    main()
