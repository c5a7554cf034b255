"""The walk over a tar, with its errors told as the bundle's."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Protocol

from app.bundle.budget import Meter
from app.bundle.cursor import TarCutError, TarDamageError
from app.bundle.errors import DamagedBundleError, MalformedBundleError
from app.bundle.tar import Member, walk


class Where(Protocol):
    """Whoever knows how far the reading has come."""

    @property
    def offset(self) -> int:
        """In bytes of the file as it was sent."""


def entries(chunks: Iterable[bytes], where: Where, meter: Meter) -> Iterator[Member]:
    """Walk the tar that ``chunks`` hold. Raises BundleError, with the place in it."""
    with _told(where):
        yield from walk(chunks, meter, partial(_content, where))


def _content(where: Where, content: Iterator[bytes]) -> Iterator[bytes]:
    """Give a member's chunks to whoever reads them, who is not below `entries` and meets damage too."""
    with _told(where):
        for chunk in content:  # noqa: UP028 - `yield from` would close what the walk must still skip
            yield chunk


@contextmanager
def _told(where: Where) -> Iterator[None]:
    try:
        yield
    except TarDamageError as error:
        raise DamagedBundleError(where.offset, str(error), agreed=isinstance(error, TarCutError)) from error
    except ValueError as error:
        raise MalformedBundleError(where.offset, str(error)) from error
