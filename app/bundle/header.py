"""One tar header block and the extended headers before it, read strictly.

Formats: v7, POSIX ustar and pax (IEEE 1003.1 pax), and GNU tar. Readers differ wherever a
header is sloppy, and two readers that differ can be made to see two different archives.
So whatever is not plainly one thing is refused, with a ValueError that says why.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

BLOCK = 512
LARGEST = 2**63 - 1
_OCTAL = re.compile(rb" *([0-7]*)[ \0]*")
_OCTAL_SIZE_LIMIT = 8**11  # bytes; larger sizes do not fit into the octal field

REGULAR = frozenset({b"0", b"\0", b"7"})
SPARSE = b"S"
CONTENT = REGULAR | {SPARSE, b"D"}  # "D": GNU directory listings
EMPTY = frozenset({b"1", b"2", b"3", b"4", b"5", b"6", b"V"})  # links, devices, directories, label
LONG_NAME, LONG_LINK, PAX, PAX_GLOBAL = b"L", b"K", b"x", b"g"
EXTENSION = frozenset({LONG_NAME, LONG_LINK, PAX, PAX_GLOBAL})

_PLAIN = frozenset(b"path linkpath size uid gid uname gname mtime atime ctime charset hdrcharset".split())
_PLAIN_BYTES = 4096
_DECIDES_CONTENT = (b"size", b"path", b"linkpath", b"GNU.sparse.")


@dataclass(frozen=True, slots=True)
class Header:
    """``size`` bytes of data follow the block, padded to whole blocks."""

    name: bytes
    type: bytes  # one byte
    size: int
    extended: bool  # old GNU sparse: a block that continues the map comes next


def is_header(block: bytes) -> bool:
    """Tell whether the block carries the checksum of a tar header, the usual or the signed sum."""
    if len(block) < BLOCK:
        return False
    try:
        stated = number(block[148:156])
    except ValueError:
        return False
    # The checksum field itself counts as eight spaces.
    unsigned = sum(block) - sum(block[148:156]) + 8 * ord(" ")
    return stated == unsigned or stated == unsigned - _signed_difference(block)


def parse(block: bytes) -> Header:
    """Read a block for which `is_header` holds. Raises ValueError."""
    type_ = block[156:157]
    if type_ not in CONTENT and type_ not in EMPTY and type_ not in EXTENSION:
        raise ValueError(f"it holds an entry of an unknown type ({type_!r})")
    size = number(block[124:136])
    name = _text(block[:100])
    # GNU ("ustar  ") and v7 have other things, or nothing, where POSIX has the prefix.
    if block[257:263] == b"ustar\0" and block[345] and type_ != SPARSE:
        name = _text(block[345:500]) + b"/" + name
    if size and type_ in EMPTY:
        raise ValueError("an entry that can have no content claims to have some")
    return Header(name, type_, size, extended=type_ == SPARSE and block[482] != 0)


def number(field: bytes) -> int:
    """Read a numeric field: octal, or base-256 (GNU, star) for what octal cannot hold."""
    if field[0] & 0x80:
        value = int.from_bytes(field, "big") - (0x80 << (8 * (len(field) - 1)))
        if value > LARGEST:  # negative numbers (first byte 255) end here as well
            raise ValueError("a number in it is out of range")
        return value
    match = _OCTAL.fullmatch(field)
    if match is None:
        raise ValueError("a number in it is not octal")
    return int(match[1] or b"0", 8)


@dataclass(slots=True)
class Extended:
    """What the extended headers say about the entry that follows them."""

    long_name: bytes | None = None
    long_link: bytes | None = None
    pax: dict[bytes, bytes] | None = None

    def __bool__(self) -> bool:
        return (self.long_name, self.long_link, self.pax) != (None, None, None)

    def add(self, type_: bytes, data: bytes) -> None:
        """Take in one extended header. Raises ValueError where readers would disagree."""
        if type_ == PAX_GLOBAL:
            if any(key.startswith(_DECIDES_CONTENT) for key, _ in pax_records(data)):
                raise ValueError("a global header changes the entries after it")
            return
        if self.pax is not None:
            raise ValueError("an extended header is not followed by its entry")
        if type_ == PAX:
            self.pax = pax_dict(data)
        elif type_ == LONG_NAME and self.long_name is None:
            self.long_name = _text(data)
        elif type_ == LONG_LINK and self.long_link is None:
            self.long_link = _text(data)
        else:
            raise ValueError("an entry has two long names")

    def name(self, header: Header) -> bytes:
        """Return the entry's path as a reader of all formats would."""
        pax = self.pax or {}
        return pax.get(b"GNU.sparse.name") or pax.get(b"path") or self.long_name or header.name

    def size(self, header: Header) -> int:
        """Return the bytes of data after the block. Raises ValueError where readers would disagree."""
        stated = (self.pax or {}).get(b"size")
        if stated is not None and not re.fullmatch(rb"[0-9]{1,19}", stated):
            raise ValueError("a size in an extended header is not a number")
        # Only where octal cannot hold the size do writers put something else there.
        unheld = int(stated or 0) >= _OCTAL_SIZE_LIMIT and header.size in (0, _OCTAL_SIZE_LIMIT - 1)
        if stated is not None and int(stated) != header.size and not unheld:
            raise ValueError("an entry has two different sizes")
        # By its name a directory to some readers, a file with content to others; the short name
        # of a v7 entry counts even where a long one replaces it.
        deciding = header.name if header.type == b"\0" else b""
        if header.size and header.type in REGULAR and b"/" in (deciding[-1:], self.name(header)[-1:]):
            raise ValueError("a directory claims to have content")
        size = header.size if stated is None else int(stated)
        if size and header.type in EMPTY:
            raise ValueError("an entry that can have no content claims to have some")
        return size

    def sparse(self, header: Header) -> bool:
        """Whether the data is a file with its holes left out."""
        return header.type == SPARSE or any(key.startswith(b"GNU.sparse.") for key in self.pax or ())


def attributes_of(type_: bytes, data: bytes) -> bytes:
    """Return the records of an extended header that are more than names, numbers and times.

    Extended attributes, comments and whatever vendors put there: to some readers they are
    content, so a scanner must see them.
    """
    if type_ not in {PAX, PAX_GLOBAL}:
        return b""
    return b"".join(
        key + b"=" + value + b"\n"
        for key, value in pax_records(data)
        if not (key in _PLAIN or key.startswith(b"GNU.sparse.")) or len(value) > _PLAIN_BYTES
    )


def pax_dict(data: bytes) -> dict[bytes, bytes]:
    """Return the records of a pax header; what is stated twice is refused, sparse maps aside."""
    records: dict[bytes, bytes] = {}
    for key, value in pax_records(data):
        if key in records and not key.startswith(b"GNU.sparse."):
            raise ValueError("an extended header says one thing twice")
        records[key] = value
    return records


def pax_records(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield (key, value) of each ``length key=value`` line. Raises ValueError."""
    position = 0
    while position < len(data):
        length = data[position : position + 12].split(b" ", 1)[0]
        end = position + int(length) if length.isdigit() else 0
        key, equals, value = data[position + len(length) + 1 : end].partition(b"=")
        if not (key and equals and value.endswith(b"\n")) or end > len(data):
            raise ValueError("an extended header cannot be read")
        yield key, value[:-1]
        position = end


def _text(field: bytes) -> bytes:
    return field.split(b"\0", 1)[0]


def _signed_difference(block: bytes) -> int:
    """Return what old tars, which summed signed characters, are short of the usual sum."""
    return 256 * sum(byte > 127 for byte in block[:148] + block[156:])
