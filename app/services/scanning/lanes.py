"""A few scans side by side, fed by one reader, in bounded memory."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from queue import Full, Queue
from threading import Event
from types import TracebackType
from typing import Self

_DEPTH = 8  # chunks waiting in one feed
_LOOK_UP = 0.2  # seconds between two looks at whether the other end is gone


class Lanes:
    """At most ``count`` tasks at a time; nothing queues up behind them."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="scan")
        self._running: set[Future[object]] = set()

    def start(self, task: Callable[[], object]) -> None:
        """Wait for a free lane and start the task in it. Raises what an earlier task raised."""
        while len(self._running) >= self._count:
            self._settle(FIRST_COMPLETED)
        self._running.add(self._pool.submit(copy_context().run, task))

    def join(self) -> None:
        """Wait until every task is done. Raises what one of them raised."""
        self._settle(ALL_COMPLETED)

    def _settle(self, until: str) -> None:
        done, self._running = wait(self._running, return_when=until)
        for future in done:
            future.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True)


class Feed(Iterator[bytes]):
    """A pipe of chunks: the reader puts and ends, one scan takes and gives up."""

    def __init__(self) -> None:
        self.size = 0  # bytes that were not in an earlier feed, set when it ends
        self._queue: Queue[bytes] = Queue(_DEPTH)
        self._ended = Event()
        self._given_up = Event()

    def put(self, chunk: bytes) -> None:
        """Hand over a chunk, waiting for room; it goes nowhere when nobody takes any more."""
        while not self._given_up.is_set():
            try:
                return self._queue.put(chunk, timeout=_LOOK_UP)
            except Full:
                continue
        return None

    def end(self, size: int) -> None:
        """Say that no more comes. ``size`` becomes the attribute."""
        self.size = size
        self._ended.set()
        self.put(b"")

    def __next__(self) -> bytes:
        chunk = b"" if self._ended.is_set() and self._queue.empty() else self._queue.get()
        if not chunk:
            raise StopIteration
        return chunk

    def give_up(self) -> None:
        """Take no more, so that the reader need not wait."""
        self._given_up.set()


def windows(content: Iterator[bytes], length: int, overlap: int) -> Iterator[Iterator[bytes]]:
    """Cut content into streams of about ``length`` bytes that share ``overlap`` bytes with the last.

    Each must be read to its end before the next is asked for.
    """
    tail: deque[bytes] = deque()

    def window(chunk: bytes) -> Iterator[bytes]:
        held = size = sum(map(len, tail))
        yield from tuple(tail)
        while chunk:
            yield chunk
            tail.append(chunk)
            held += len(chunk)
            size += len(chunk)
            while held - len(tail[0]) >= overlap:
                held -= len(tail.popleft())
            chunk = next(content, b"") if size < length else b""

    while first := next(content, b""):
        yield window(first)
