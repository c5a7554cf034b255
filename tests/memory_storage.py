"""The storage port in memory: what its sentences mean, in as few lines as that takes."""

import io
import itertools
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, TypeVar

from app.domain.errors import LockedError, NotFoundError, StateConflictError
from app.domain.scan_status import ScanStatus
from app.ports import Side

_KEY = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9-]+", re.ASCII)
K = TypeVar("K")
V = TypeVar("V")


class MemorySink:
    """Appends to a bytearray."""

    def __init__(self, content: bytearray) -> None:
        self._content = content
        self.offset = len(content)

    def write(self, data: memoryview) -> None:
        """Append."""
        self._content += data
        self.offset = len(self._content)

    def sync(self) -> None:
        """Everything is as durable as it gets."""


class MemoryStorage:
    """Shares what it holds with whoever is made from it."""

    name = "memory"
    look_seconds = 0.0

    def __init__(self, other: "MemoryStorage | None" = None) -> None:
        self.incoming: dict[str, bytearray] = other.incoming if other else {}
        self.sealed: dict[str, tuple[bytes, str]] = other.sealed if other else {}
        self.sides: dict[tuple[str, Side], bytes] = other.sides if other else {}
        self.changed: dict[str, float] = other.changed if other else {}
        self._locked: set[str] = other._locked if other else set()
        self._lock: threading.Lock = other._lock if other else threading.Lock()
        self._versions: Iterator[int] = other._versions if other else itertools.count()

    @contextmanager
    def append(
        self, key: str, offset: int, confirm: Callable[[], None] = lambda: None
    ) -> Iterator[MemorySink]:
        """Lock, confirm, cut, write."""
        self._check(key)
        with self._lock:
            if key in self._locked:
                raise LockedError("Somebody else is writing.")
            self._locked.add(key)
        try:
            if key in self.sealed:
                raise StateConflictError("It is sealed.")
            if len(self.incoming.get(key, b"")) < offset:
                raise NotFoundError
            confirm()
            content = self.incoming.setdefault(key, bytearray())
            del content[offset:]
            self.changed[key] = time.time()
            yield MemorySink(content)
        finally:
            self._locked.discard(key)

    def seal(self, key: str, size: int) -> str:
        """Move."""
        self._check(key)
        with self._lock:
            if key in self.sealed:
                content, version = self.sealed[key]
                if len(content) != size:
                    raise NotFoundError
                return version
            if len(self.incoming.get(key, b"")) != size or key not in self.incoming:
                raise NotFoundError
            self.replace(key, bytes(self.incoming.pop(key)))
            return self.sealed[key][1]

    def replace(self, key: str, content: bytes) -> None:
        """Put something else there, as nobody should."""
        self.sealed[key] = content, f"version {next(self._versions)}"

    def open_incoming(self, key: str) -> BinaryIO:
        """Return a copy."""
        self._check(key)
        return self.open(key)[0] if key in self.sealed else io.BytesIO(self._of(self.incoming, key))

    def open(self, key: str) -> tuple[BinaryIO, str]:
        """Return a copy and the version."""
        content, version = self._of(self.sealed, key)
        return io.BytesIO(content), version

    def put_side(self, key: str, side: Side, content: BinaryIO, _status: ScanStatus | None = None) -> None:
        """Keep."""
        self._of(self.sealed, key)
        self.sides[key, side] = content.read()

    def open_side(self, key: str, side: Side) -> BinaryIO:
        """Return a copy."""
        return io.BytesIO(self._of(self.sides, (key, side)))

    def delete(self, key: str) -> bool:
        """Forget."""
        self._check(key)
        self.incoming.pop(key, None)
        self.sealed.pop(key, None)
        for side in [side for side in self.sides if side[0] == key]:
            del self.sides[side]
        return True

    def stored(self) -> Iterable[tuple[str, float]]:
        """List."""
        for key in {*self.incoming, *self.sealed, *(key for key, _ in self.sides)}:
            yield key, time.time() - self.changed[key]

    def check(self) -> None:
        """All is well."""

    @staticmethod
    def _of(things: dict[K, V], key: K) -> V:
        if key not in things:
            raise NotFoundError
        return things[key]

    @staticmethod
    def _check(key: str) -> None:
        if not _KEY.fullmatch(key):
            raise NotFoundError
