"""One pass over a stored bundle: hashed, expanded and walked at the same time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from typing import BinaryIO

from app.bundle.budget import Budget, Meter
from app.bundle.errors import DamagedBundleError, MalformedBundleError
from app.bundle.gunzip import Gunzip
from app.bundle.tar import Member, TarDamageError, walk


class BundleStream:
    """Iterate over it once, for the members in their order; nothing is kept or written.

    Raises, while iterating:
        DamagedBundleError, MalformedBundleError, OverBudgetError: see `app.bundle.errors`; the
            members given out before stand.
        OSError: the store failed; nothing is known about the bundle.
    """

    def __init__(self, source: BinaryIO, budget: Budget) -> None:
        """``source`` stands at its beginning."""
        self._meter = Meter(budget)
        self._gunzip = Gunzip(source, self._meter)

    def __iter__(self) -> Iterator[Member]:
        return _members(self._gunzip, self._meter)

    def nested(self, data: bytes) -> Iterator[Member]:
        """Walk a .tgz that is the content of a member, on the budget of this bundle.

        Raises:
            BundleError: as for the bundle itself, offsets being within ``data``.
        """
        return _members(Gunzip(BytesIO(data), self._meter, nested=True), self._meter)

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


def _members(gunzip: Gunzip, meter: Meter) -> Iterator[Member]:
    with _told(gunzip):
        for member in walk(gunzip, meter):
            yield replace(member, content=_content(gunzip, member.content))


def _content(gunzip: Gunzip, content: Iterator[bytes]) -> Iterator[bytes]:
    """Give a member's chunks to whoever reads them, who is not below `_members` and meets damage too."""
    with _told(gunzip):
        for chunk in content:  # noqa: UP028 - `yield from` would close what the walk must still skip
            yield chunk


@contextmanager
def _told(gunzip: Gunzip) -> Iterator[None]:
    try:
        yield
    except TarDamageError as error:
        raise DamagedBundleError(gunzip.offset, str(error)) from error
    except ValueError as error:
        raise MalformedBundleError(gunzip.offset, str(error)) from error
