"""A tar as a stream of members, block by block, strictly.

The reader sees at least what any other reader would see: it goes on after an end marker,
and what it finds there is content too.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from app.bundle.budget import Meter
from app.bundle.errors import OverBudgetError
from app.bundle.header import BLOCK, CONTENT, EXTENSION, Extended, Header, attributes_of, is_header, parse
from app.bundle.names import display_name

TRAILING = "(data after the end of the archive)"
ATTRIBUTES = " (attributes)"
_ZEROS = bytes(BLOCK)
_MAX_EXTENSION = 1024**2  # bytes of one long name or pax header


class TarDamageError(ValueError):
    """The tar ends, or stops being a tar, where it must not."""


@dataclass(frozen=True, slots=True)
class Member:
    """One entry, good until the next is asked for.

    ``name`` is for display only. ``content`` gives ``size`` bytes in chunks; ``size`` is None
    for TRAILING, which goes on to the end. ``sparse``: the content lacks the file's holes.
    ``entry`` is false for what belongs to another entry: the attributes stored with it.
    """

    name: str
    size: int | None
    content: Iterator[bytes]
    sparse: bool = False
    entry: bool = True


class _Cursor:
    """Cuts a stream of chunks anew."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._chunk = b""
        self._position = 0

    def some(self, limit: int) -> bytes:
        """Return between 1 and ``limit`` bytes, or b"" at the end."""
        if self._position == len(self._chunk):
            self._chunk, self._position = next(self._chunks, b""), 0
        start = self._position
        self._position = min(len(self._chunk), start + limit)
        return self._chunk[start : self._position]

    def upto(self, size: int) -> bytes:
        """Return ``size`` bytes, or fewer at the end."""
        data = self.some(size)
        while len(data) < size and (more := self.some(size - len(data))):
            data += more
        return data

    def exactly(self, size: int) -> Iterator[bytes]:
        """Yield ``size`` bytes in chunks, and skip the padding to a whole block."""
        left = size
        while left:
            data = self.some(left)
            if not data:
                raise TarDamageError("it ends within a file")
            left -= len(data)
            yield data
        padding = self.upto(-size % BLOCK)
        if len(padding) < -size % BLOCK:
            raise TarDamageError("it ends within a file")
        if any(padding):
            raise ValueError("something is hidden behind the end of a file")

    def rest(self, first: bytes) -> Iterator[bytes]:
        """Yield ``first`` and all that follows."""
        while first:
            yield first
            first = self.some(1024**2)


def walk(chunks: Iterable[bytes], meter: Meter) -> Iterator[Member]:
    """Yield the members of the tar that ``chunks`` hold, each entry once, of every type.

    An archive is whole when it ends with two blocks of zeros (POSIX), however many follow.

    Raises:
        TarDamageError: it is cut off, or a header's checksum is wrong.
        ValueError: two readers could see two different archives in it.
        OverBudgetError: too many entries, or too long a name.
    """
    cursor = _Cursor(chunks)
    extended = Extended()
    attributes = b""  # of the entry to come
    zeros = 0
    while block := cursor.upto(BLOCK):
        if block == _ZEROS[: len(block)] and (len(block) == BLOCK or zeros > 1):
            zeros += 1
            continue
        if not is_header(block):
            if zeros > 1:
                yield Member(TRAILING, None, cursor.rest(block))
                raise ValueError("there is data after its end")
            raise TarDamageError(
                "a header's checksum is wrong" if len(block) == BLOCK else "it ends too early"
            )
        if zeros and (extended or attributes):
            break
        zeros = 0
        header = parse(block)
        if header.type in EXTENSION:
            data = _extension(cursor, header, meter)
            extended.add(header.type, data)
            attributes += attributes_of(header.type, data)
            continue
        if attributes:
            name = display_name(extended.name(header)) + ATTRIBUTES
            yield Member(name, len(attributes), iter((attributes,)), entry=False)
            attributes = b""
        yield from _member(cursor, header, extended, meter)
        extended = Extended()
    if extended or attributes:
        raise ValueError("an extended header is not followed by its entry")
    if zeros < 2:
        raise TarDamageError("it ends without an end marker")


def _member(cursor: _Cursor, header: Header, extended: Extended, meter: Meter) -> Iterator[Member]:
    meter.member()
    size = extended.size(header)
    name = extended.name(header)
    meter.path(len(name))
    if header.extended:
        _skip_sparse_map(cursor)
    content = cursor.exactly(size) if header.type in CONTENT else iter(())
    yield Member(display_name(name), size, content, extended.sparse(header))
    for _ in content:  # what the caller left unread
        pass


def _extension(cursor: _Cursor, header: Header, meter: Meter) -> bytes:
    if header.size > _MAX_EXTENSION:
        raise OverBudgetError(f"holds a header of more than {_MAX_EXTENSION:,} bytes")
    meter.time()
    return b"".join(cursor.exactly(header.size))


def _skip_sparse_map(cursor: _Cursor) -> None:
    """Skip the blocks with which old GNU tar continues the map of a file with many holes."""
    while True:
        block = cursor.upto(BLOCK)
        if len(block) < BLOCK:
            raise TarDamageError("it ends too early")
        if not block[504]:
            return
