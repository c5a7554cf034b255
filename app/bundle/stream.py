"""One pass over a stored bundle: hashed, expanded and walked at the same time."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from app.bundle.budget import Budget, Meter
from app.bundle.entries import entries
from app.bundle.gunzip import Gunzip
from app.bundle.nested import NestedStream
from app.bundle.tar import Member


class BundleStream:
    """Iterate over it once, for the members in their order; nothing is kept or written.

    Raises, while iterating:
        DamagedBundleError, MalformedBundleError, OverBudgetError: see `app.bundle.errors`; the
            members given out before stand.
        OSError: the store failed; nothing is known about the bundle.
    """

    def __init__(self, source: BinaryIO, budget: Budget, started: float | None = None) -> None:
        """``source`` stands at its beginning; ``started`` as in `Meter`."""
        self.budget = budget
        self._meter = Meter(budget, started)
        self._gunzip = Gunzip(source, self._meter)

    def __iter__(self) -> Iterator[Member]:
        return entries(self._gunzip, self._gunzip, self._meter)

    def nested(self, name: str, head: bytes, rest: Iterable[bytes] = ()) -> NestedStream:
        """Open an archive that is the content of a member, on the budget of this bundle."""
        return NestedStream(name, head, rest, self._meter)

    def read_rest(self) -> None:
        """After an error: read on, so that ``sha256`` and ``size`` are of the whole object."""
        self._gunzip.read_rest()

    @property
    def sha256(self) -> str:
        """Hex digest of the stored bytes read so far: of all of them after the last member."""
        return self._gunzip.sha256

    @property
    def size(self) -> int:
        """Stored bytes read so far."""
        return self._gunzip.size

    @property
    def seconds(self) -> float:
        return self._meter.seconds
