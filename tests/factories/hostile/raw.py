"""Tar blocks and gzip members written by hand, with every field as wrong as a test wants it."""

import struct
import zlib
from collections.abc import Mapping

BLOCK = 512
END = bytes(2 * BLOCK)
_FIELDS = {  # where each stands in a header, and how long it is (POSIX ustar)
    "name": (0, 100),
    "mode": (100, 8),
    "uid": (108, 8),
    "gid": (116, 8),
    "size": (124, 12),
    "mtime": (136, 12),
    "type": (156, 1),
    "linkname": (157, 100),
    "magic": (257, 8),
    "uname": (265, 32),
    "gname": (297, 32),
    "devmajor": (329, 8),
    "devminor": (337, 8),
    "prefix": (345, 155),
    "tail": (500, 12),
}
_HONEST = {
    "mode": b"0000644\0",
    "uid": b"0000000\0",
    "gid": b"0000000\0",
    "mtime": b"00000000000\0",
    "type": b"0",
    "magic": b"ustar\x0000",
}


def checksum(block: bytes, *, signed: bool = False) -> int:
    """Return the sum of a header's bytes, its own checksum field counted as spaces."""
    cleared = block[:148] + b" " * 8 + block[156:BLOCK]
    return sum(byte - 256 if signed and byte > 127 else byte for byte in cleared)


def header(
    name: bytes = b"file", size: int = 0, *, checksum_field: bytes | None = None, **fields: bytes
) -> bytes:
    """Return one header block. ``fields`` replace what would stand there, byte for byte."""
    block = bytearray(BLOCK)
    for key, value in (_HONEST | {"name": name, "size": b"%011o\0" % size} | fields).items():
        start, length = _FIELDS[key]
        assert len(value) <= length, key
        block[start : start + len(value)] = value
    block[148:156] = (checksum_field or b"%06o\0 " % checksum(bytes(block))).ljust(8, b"\0")
    return bytes(block)


def padded(content: bytes, filler: bytes = b"\0") -> bytes:
    """Return the content filled up to whole blocks."""
    missing = -len(content) % BLOCK
    return content + (filler * missing)[:missing]


def entry(name: bytes = b"file", content: bytes = b"", **fields: bytes) -> bytes:
    """Return a header that states the content's true size, unless told otherwise, and the content."""
    return header(name, len(content), **fields) + padded(content)


def tar(*entries: bytes) -> bytes:
    """Return entries closed by an end marker."""
    return b"".join(entries) + END


def pax_record(key: bytes, value: bytes) -> bytes:
    """Return one ``length key=value`` line, whose length counts itself."""
    line = b" " + key + b"=" + value + b"\n"
    length = len(line) + 1
    while len(b"%d" % length) + len(line) != length:
        length += 1
    return b"%d" % length + line


def pax(records: Mapping[bytes, bytes], type_: bytes = b"x") -> bytes:
    """Return an extended header of such records; type ``g`` is a global one."""
    return entry(b"PaxHeaders/file", b"".join(pax_record(*pair) for pair in records.items()), type=type_)


def long_name(name: bytes, type_: bytes = b"L") -> bytes:
    """Return GNU's entry with the long name of the next one; type ``K``: its link's."""
    return entry(b"././@LongLink", name + b"\0", type=type_)


def gz(
    data: bytes,
    *,
    level: int = 6,
    extra: bytes | None = None,
    name: bytes | None = None,
    comment: bytes | None = None,
    header_crc: bool = False,
    flags: int = 0,
    crc: int | None = None,
    length: int | None = None,
) -> bytes:
    """Return one gzip member (RFC 1952) with these optional fields; level 0 stores the data."""
    flags |= (extra is not None) << 2 | (name is not None) << 3 | (comment is not None) << 4 | header_crc << 1
    head = b"\x1f\x8b\x08" + bytes((flags,)) + bytes(4) + b"\0\xff"
    if extra is not None:
        head += struct.pack("<H", len(extra)) + extra
    head += b"".join(text + b"\0" for text in (name, comment) if text is not None)
    if header_crc:
        head += struct.pack("<H", zlib.crc32(head) & 0xFFFF)
    deflater = zlib.compressobj(level, zlib.DEFLATED, -15)
    body = deflater.compress(data) + deflater.flush()
    trailer = struct.pack(
        "<LL",
        zlib.crc32(data) if crc is None else crc,
        len(data) % 2**32 if length is None else length,
    )
    return head + body + trailer


def tgz(*entries: bytes) -> bytes:
    """Return entries, closed and compressed."""
    return gz(tar(*entries))
