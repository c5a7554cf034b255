"""What looks for viruses, as a Protocol."""

from collections.abc import Iterable
from typing import Protocol

from app.domain.verdict import Engine, StreamVerdict


class Scanner(Protocol):
    """An antivirus engine.

    Every call uses a connection of its own, so calls may run side by side in threads.
    """

    def scan(self, chunks: Iterable[bytes | memoryview]) -> StreamVerdict:
        """Send one stream and return the answer about it.

        Raises:
            ScannerUnavailableError: the engine cannot be reached.
        """

    def engine(self) -> Engine:
        """Ask which engine and signatures answer. Raises ScannerUnavailableError."""
