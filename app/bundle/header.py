"""One tar header block and the extended headers before it, read strictly.

Formats: v7, POSIX ustar and pax (IEEE 1003.1 pax), and GNU tar. Readers differ wherever a
header is sloppy, and two readers that differ can be made to see two different archives.
So whatever is not plainly one thing is refused, with a ValueError that says why.
"""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

BLOCK = 512
LARGEST = 2**63 - 1
_OCTAL = re.compile(rb" *([0-7]*)[ \0]*")
_ENDS = b" \0"
_OCTAL_SIZE_LIMIT = 8**11  # bytes; larger sizes do not fit into the octal field

REGULAR = frozenset({b"0", b"\0", b"7"})
SPARSE = b"S"
CONTENT = REGULAR | {SPARSE, b"D"}  # "D": GNU directory listings
EMPTY = frozenset({b"1", b"2", b"3", b"4", b"5", b"6", b"V"})  # links, devices, directories, label
LONG_NAME, LONG_LINK, PAX, PAX_GLOBAL = b"L", b"K", b"x", b"g"
LINKS = frozenset({b"1", b"2"})
EXTENSION = frozenset({LONG_NAME, LONG_LINK, PAX, PAX_GLOBAL})

_NAMES = frozenset({b"path", b"linkpath"})
_NAME_BYTES = 4096
_NUMBERS = frozenset(b"size uid gid mtime atime ctime".split())
_SPARSE = (b"GNU.sparse.", b"SUN.holesdata", b"SCHILY.realsize")
_DECIDES_CONTENT = (b"size", b"path", b"linkpath", *_SPARSE)
# To readers that take each line for a record, a value that goes on like this holds another one.
_RECORD_WITHIN = re.compile(rb"\n[0-9]+ +[^=\n]+=")


@dataclass(slots=True)
class Header:
    """``size`` bytes of data follow the block, padded to whole blocks.

    ``mode`` and ``modified`` (seconds since the epoch) are for display: 0 where they cannot be read.
    """

    name: bytes
    type: bytes  # one byte
    size: int
    extended: bool  # old GNU sparse: a block that continues the map comes next
    mode: int
    modified: int
    link: bytes


def is_header(block: bytes) -> bool:
    """Tell whether the block carries the checksum of a tar header, the usual or the signed sum."""
    if len(block) < BLOCK:
        return False
    field = block[148:156]
    try:
        stated = number(field)
    except ValueError:
        return False
    # The checksum field itself counts as eight spaces.
    unsigned = _sum(block[:256]) + _sum(block[256:BLOCK]) - _sum(field) + 8 * ord(" ")
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
    return Header(
        name,
        type_,
        size,
        extended=type_ == SPARSE and block[482] != 0,
        mode=_shown(block[100:108]) & 0o7777,
        modified=_shown(block[136:148]),
        link=_text(block[157:257]) if type_ in LINKS else b"",
    )


def number(field: bytes) -> int:
    """Read a numeric field: octal, or base-256 (GNU, star) for what octal cannot hold."""
    if field[:-1].isdigit() and field[-1] in _ENDS:  # as nearly all are: quicker, and the same
        return int(field[:-1], 8)
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
            self.long_name = _whole_text(data)
        elif type_ == LONG_LINK and self.long_link is None:
            self.long_link = _whole_text(data)
        else:
            raise ValueError("an entry has two long names")

    def name(self, header: Header) -> bytes:
        """Return the entry's path as a reader of all formats would."""
        pax = self.pax or {}
        return pax.get(b"GNU.sparse.name") or pax.get(b"path") or self.long_name or header.name

    def link(self, header: Header) -> bytes | None:
        """Return what a link points to."""
        if header.type not in LINKS:
            return None
        return (self.pax or {}).get(b"linkpath") or self.long_link or header.link

    def modified(self, header: Header) -> int:
        """Return when the entry was changed last, in seconds since the epoch; for display."""
        stated = self.pax and re.match(rb"-?[0-9]{1,18}", self.pax.get(b"mtime", b""))
        return int(stated[0]) if stated else header.modified

    def size(self, header: Header) -> int:
        """Return the bytes of data after the block. Raises ValueError where readers would disagree."""
        stated = (self.pax or {}).get(b"size")
        if stated is not None and not re.fullmatch(rb"[0-9]{1,19}", stated):
            raise ValueError("a size in an extended header is not a number")
        # Only where octal cannot hold the size do writers put something else there.
        if stated is not None and int(stated) != header.size:
            unheld = int(stated) >= _OCTAL_SIZE_LIMIT and header.size in (0, _OCTAL_SIZE_LIMIT - 1)
            if not unheld:
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
        if not self.pax:
            return header.type == SPARSE
        return header.type == SPARSE or any(key.startswith(_SPARSE) for key in self.pax)


def attributes_of(type_: bytes, data: bytes) -> list[bytes]:
    """Return the values in an extended header that are more than names, numbers and times.

    Extended attributes, comments and whatever vendors put there: to some readers each is content
    by itself, so a scanner must see it as such.
    """
    if type_ not in {PAX, PAX_GLOBAL}:
        return []
    return [value for key, value in pax_records(data) if value and not _plain(key, value)]


def _plain(key: bytes, value: bytes) -> bool:
    return key in _NUMBERS or (len(value) <= _NAME_BYTES and (key in _NAMES or key.startswith(_SPARSE)))


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
        # GNU tar skips all blanks after the length, and others do not.
        if key[0] <= ord(" ") or _RECORD_WITHIN.search(value):
            raise ValueError("an extended header says different things to different readers")
        if key in _NUMBERS and not re.fullmatch(rb"-?[0-9]{0,20}(\.[0-9]{0,20})?", value[:-1]):
            raise ValueError("a number in an extended header is none")
        yield key, value[:-1]
        position = end


def _sum(data: bytes) -> int:
    """Return the sum of up to 256 bytes, which is what Adler-32 (RFC 1950) begins with, only quicker."""
    return (zlib.adler32(data) & 0xFFFF) - 1


def _shown(field: bytes) -> int:
    try:
        return number(field)
    except ValueError:
        return 0


def _text(field: bytes) -> bytes:
    return field.split(b"\0", 1)[0]


def _whole_text(data: bytes) -> bytes:
    """Return a long name. Raises ValueError if more than its end follows it."""
    text = _text(data)
    if data[len(text) :].strip(b"\0"):
        raise ValueError("something is hidden behind a long name")
    return text


def _signed_difference(block: bytes) -> int:
    """Return what old tars, which summed signed characters, are short of the usual sum."""
    return 256 * sum(byte > 127 for byte in block[:148] + block[156:])
