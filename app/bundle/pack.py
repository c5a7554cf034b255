"""Tar headers of our own making: POSIX ustar, with a pax header where that is too narrow (IEEE 1003.1)."""

from app.bundle.header import BLOCK

END = bytes(2 * BLOCK)
_NAME = 100  # bytes that the fields for the name and the link hold
_OCTAL = 8**11  # the first number too large for the fields for the size and the time

FILE, HARD_LINK, SYMBOLIC_LINK, DIRECTORY, _PAX = b"0", b"1", b"2", b"5", b"x"


def entry_header(
    name: str, type_: bytes, *, size: int = 0, mode: int = 0o644, modified: int = 0, link: str = ""
) -> bytes:
    """Return all blocks before the content of an entry, which belongs to nobody in particular.

    ``size`` in bytes; ``modified`` in seconds since the epoch, at least 0. Names hold no NUL.
    """
    records = b""
    if not _fits(name):
        records += _record("path", name)
    if not _fits(link):
        records += _record("linkpath", link)
    if size >= _OCTAL:
        records += _record("size", str(size))
    if modified >= _OCTAL:
        records += _record("mtime", str(modified))
    extended = b""
    if records:
        extended = _block("pax", _PAX, len(records), 0o644, 0, "") + records + padding(len(records))
    # A reader without pax gets an empty file rather than a wrong one.
    held, when = (number if number < _OCTAL else 0 for number in (size, modified))
    return extended + _block(name, type_, held, mode, when, link)


def padding(size: int) -> bytes:
    """Return what follows ``size`` bytes of content up to the next block."""
    return bytes(-size % BLOCK)


def _fits(text: str) -> bool:
    return text.isascii() and len(text) <= _NAME


def _record(key: str, value: str) -> bytes:
    """Return a pax record, whose length counts its own digits."""
    rest = f" {key}={value}\n".encode()
    length = len(rest)
    while len(rest) + len(str(length)) != length:
        length = len(rest) + len(str(length))
    return b"%d%b" % (length, rest)


def _block(name: str, type_: bytes, size: int, mode: int, modified: int, link: str) -> bytes:
    block = b"".join(
        (
            name.encode("ascii", "replace")[:_NAME].ljust(_NAME, b"\0"),
            b"%07o\0" % mode,
            b"0000000\0" * 2,  # owner and group
            b"%011o\0%011o\0" % (size, modified),
            b" " * 8,  # stands for the checksum while it is summed
            type_,
            link.encode("ascii", "replace")[:_NAME].ljust(_NAME, b"\0"),
            b"ustar\x0000",
        )
    ).ljust(BLOCK, b"\0")
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]
