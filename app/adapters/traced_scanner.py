"""The scanner, with a span for each stream (`app.tracing`)."""

from collections.abc import Iterable, Iterator

from app import tracing
from app.domain.verdict import Engine, StreamVerdict
from app.ports import Scanner


class TracedScanner:
    """Implements `app.ports.Scanner` over another."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner

    def scan(self, chunks: Iterable[bytes | memoryview]) -> StreamVerdict:
        """Send one stream. A signature's name says what was found, never where."""
        taken = 0

        def counted() -> Iterator[bytes | memoryview]:
            nonlocal taken
            for chunk in chunks:
                taken += memoryview(chunk).nbytes
                yield chunk

        with tracing.span("scanner stream") as span:
            try:
                verdict = self._scanner.scan(counted())
                span.note(verdict=verdict.result)
            finally:
                span.note(bytes=taken)
        return verdict

    def engine(self) -> Engine:
        """Ask the scanner."""
        return self._scanner.engine()
