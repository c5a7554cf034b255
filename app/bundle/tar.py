"""A tar as a stream of members, block by block, strictly.

The reader sees at least what any other reader would see: it goes on after an end marker,
and what it finds there is content too.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from app.bundle.budget import Meter
from app.bundle.cursor import Cursor, TarCutError, TarDamageError
from app.bundle.errors import OverBudgetError
from app.bundle.header import (
    BLOCK,
    EXTENSION,
    REGULAR,
    SPARSE,
    Extended,
    Header,
    attributes_of,
    is_header,
    parse,
)
from app.bundle.names import display_name
from app.bundle.table import Kind
from app.domain.verdict import Obstacle

TRAILING = "(data after the end of the archive)"
ATTRIBUTES = " (attributes)"
_ZEROS = bytes(BLOCK)
_MAX_EXTENSION = 1024**2  # bytes of the long names and pax headers of one entry
_KINDS: dict[bytes, Kind] = {
    **dict.fromkeys(REGULAR | {SPARSE}, "file"),
    b"1": "hardlink",
    b"2": "symlink",
    b"3": "device",
    b"4": "device",
    b"5": "directory",
    b"6": "fifo",
}


@dataclass(slots=True)
class Member:
    """One entry, good until the next is asked for.

    ``name`` and ``link`` (what a link points to) are for display only. ``content`` gives ``size``
    bytes in chunks, the first at ``offset`` of the expanded bytes; ``size`` is None where only
    the end tells, as with TRAILING. ``number`` counts the entries from 0; attributes have that of
    the entry that follows them, and TRAILING has none. ``modified`` is in seconds since the
    epoch, 0 if unknown. ``sparse``: the content lacks the file's holes.
    """

    name: str
    size: int | None
    content: Iterator[bytes]
    kind: Kind = "file"
    number: int | None = 0
    offset: int = -1
    mode: int = 0
    modified: int = 0
    link: str | None = None
    sparse: bool = False

    @property
    def entry(self) -> bool:
        """Whether it is an entry by itself, and no more than what belongs to one or to none."""
        return self.kind not in {"attributes", "trailing"}


class _Ahead:
    """The extended headers before an entry."""

    def __init__(self) -> None:
        self.extended = Extended()
        self.attributes: list[bytes] = []
        self.size = 0  # bytes of them, their own blocks included

    def __bool__(self) -> bool:
        """Whether an entry must follow."""
        return bool(self.extended or self.attributes)

    def add(self, cursor: Cursor, header: Header) -> None:
        """Take in one more. Raises ValueError, OverBudgetError."""
        self.size += BLOCK + header.size
        if self.size > _MAX_EXTENSION:
            what = f"holds a header of more than {_MAX_EXTENSION:,} bytes"
            raise OverBudgetError(Obstacle.TOO_LARGE, what)
        data = b"".join(cursor.exactly(header.size))
        self.extended.add(header.type, data)
        self.attributes += attributes_of(header.type, data)


def walk(
    chunks: Iterable[bytes],
    meter: Meter,
    told: Callable[[Iterator[bytes]], Iterator[bytes]] = lambda content: content,
) -> Iterator[Member]:
    """Yield the members of the tar that ``chunks`` hold, each entry once, of every type.

    An archive is whole when it ends with two blocks of zeros (POSIX), however many follow.
    ``told`` wraps contents that raise while they are read.

    Raises:
        TarCutError: it is cut off.
        TarDamageError: a header's checksum is wrong.
        ValueError: two readers could see two different archives in it.
        OverBudgetError: too many entries, or too long a name.
    """
    cursor = Cursor(chunks)
    ahead = _Ahead()
    number = zeros = 0
    while block := cursor.upto(BLOCK):
        if block == _ZEROS[: len(block)] and (len(block) == BLOCK or zeros > 1):
            zeros += 1
            continue
        if not is_header(block):
            yield from _no_header(cursor, block, zeros)
        if zeros and ahead:
            break
        zeros = 0
        header = parse(block)
        if header.type in EXTENSION:
            meter.time()
            ahead.add(cursor, header)
            continue
        if ahead.attributes:
            yield from _attributes(ahead, header, number)
        meter.member()
        member = _member(cursor, header, ahead.extended, number, meter)
        if member.size:
            member.content = _content(cursor, member.size, told)
        yield member
        for _ in member.content:  # what the caller left unread
            pass
        if ahead.size:
            ahead = _Ahead()
        number += 1
    _check_end(ahead, zeros)


def _attributes(ahead: _Ahead, header: Header, number: int) -> Iterator[Member]:
    name = display_name(ahead.extended.name(header)) + ATTRIBUTES
    for value in ahead.attributes:
        yield Member(name, len(value), iter((value,)), "attributes", number)


def _check_end(ahead: _Ahead, zeros: int) -> None:
    if ahead:
        raise ValueError("an extended header is not followed by its entry")
    if zeros < 2:
        raise TarCutError("it ends without an end marker")


def _no_header(cursor: Cursor, block: bytes, zeros: int) -> Iterator[Member]:
    """Yield what stands where a header should, if it is after the end; raise what is wrong with it."""
    if zeros > 1:
        offset = cursor.offset - len(block)
        yield Member(TRAILING, None, cursor.rest(block), "trailing", None, offset)
        raise ValueError("there is data after its end")
    if len(block) < BLOCK:
        raise TarCutError("it ends too early")
    raise TarDamageError("a header's checksum is wrong")


def _member(cursor: Cursor, header: Header, extended: Extended, number: int, meter: Meter) -> Member:
    """Describe an entry, and stand where its content begins."""
    size = extended.size(header)
    name = extended.name(header)
    link = extended.link(header)
    meter.path(max(len(name), len(link or b""), len(extended.long_link or b"")))
    if header.extended:
        _skip_sparse_map(cursor)
    kind = _KINDS.get(header.type, "other")
    return Member(
        display_name(name),
        size,
        iter(()),
        "directory" if kind == "file" and name.endswith(b"/") else kind,
        number,
        cursor.offset,
        header.mode,
        extended.modified(header),
        None if link is None else display_name(link),
        extended.sparse(header),
    )


def _content(
    cursor: Cursor, size: int, told: Callable[[Iterator[bytes]], Iterator[bytes]]
) -> Iterator[bytes]:
    data = cursor.at_once(size)
    return told(cursor.exactly(size)) if data is None else iter((data,))


def _skip_sparse_map(cursor: Cursor) -> None:
    """Skip the blocks with which old GNU tar continues the map of a file with many holes."""
    while True:
        block = cursor.upto(BLOCK)
        if len(block) < BLOCK:
            raise TarCutError("it ends too early")
        if not block[504]:
            return
