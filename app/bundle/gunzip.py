"""A stored file as its expanded bytes: every gzip member of it, checked, in bounded memory."""

import hashlib
from collections.abc import Iterator
from typing import Protocol, cast

from isal import isal_zlib

from app.bundle.budget import Meter
from app.bundle.errors import DamagedBundleError, MalformedBundleError

READ = 256 * 1024  # bytes of the file per read
CHUNK = 256 * 1024  # expanded bytes per step, so a bomb never holds more than this
GZIP_WINDOW = 31  # zlib's way to say: gzip header and trailer, largest window
CorruptError = cast("type[Exception]", isal_zlib.IsalError)  # its stub calls it an instance

HEADER_CRC, _EXTRA, _NAME, _COMMENT, RESERVED = 0x02, 0x04, 0x08, 0x10, 0xE0
_MAX_EXTRA = 64  # bgzip needs 6; a whole zip archive would fit into the 65,535 allowed
_MAX_TEXT = 1024


class Readable(Protocol):
    """What bytes come from."""

    def read(self, size: int, /) -> bytes:
        """Return between 1 and ``size`` bytes, or b"" at the end."""


class Gunzip:
    """Iterate over it once, for chunks of at most CHUNK bytes.

    ``size`` and ``sha256`` are of the file's bytes read so far; what is nested is not hashed.

    Raises, while iterating:
        DamagedBundleError: cut off, or a checksum or length (RFC 1952 CRC32, ISIZE) is wrong.
        MalformedBundleError: a gzip header that hides bytes, or bytes after the last gzip member.
        OverBudgetError: it unfolds into too much.
    """

    def __init__(self, source: Readable, meter: Meter, *, nested: bool = False) -> None:
        """``nested``: the source was itself expanded, and is no reason to allow for more."""
        self.size = 0
        self._source = source
        self._meter = meter
        self._nested = nested
        self._digest = hashlib.sha256()
        self._pending = b""  # read and not yet inflated

    @property
    def sha256(self) -> str:
        """Hex."""
        return self._digest.hexdigest()

    @property
    def offset(self) -> int:
        """Where in the file inflation stands, in bytes."""
        return self.size - len(self._pending)

    def __iter__(self) -> Iterator[bytes]:
        self._pending = self._read()
        while True:
            self._check_header()
            yield from self._member()
            self._pending = self._pending or self._read()
            if not self._pending:
                return

    def read_rest(self) -> None:
        """Read what is left of the file, so that ``size`` and ``sha256`` are of the whole of it."""
        while self._read():
            pass

    def _read(self) -> bytes:
        data = self._source.read(READ)
        self.size += len(data)
        if not self._nested:
            self._digest.update(data)
            self._meter.read(len(data))
        return data

    def _member(self) -> Iterator[bytes]:
        inflater = isal_zlib.decompressobj(GZIP_WINDOW)
        ended = False
        while not ended:
            data = self._pending or self._read()
            try:
                chunk = inflater.decompress(data, CHUNK)
            except CorruptError as error:
                what = "the compressed data or its checksum is wrong"
                raise DamagedBundleError(self.offset, what, agreed=False) from error
            ended = inflater.eof
            # Output may be pending after the last input, so only silence on no input is the end.
            if not (data or chunk or ended):
                raise DamagedBundleError(self.size, "it ends too early")
            self._pending = inflater.unused_data if ended else inflater.unconsumed_tail
            self._meter.expanded(len(chunk))
            if chunk:
                yield chunk

    def _check_header(self) -> None:
        """Refuse a gzip header with room for a second archive (a file that is also a .zip)."""
        start = self.offset
        try:
            while not header_is_whole(self._pending):
                data = self._read()
                if not data:
                    raise DamagedBundleError(self.size, "it ends too early")
                self._pending += data
        except ValueError as error:
            raise MalformedBundleError(start, str(error)) from error


def header_is_whole(data: bytes) -> bool:
    """Tell whether ``data`` begins with a whole, plain gzip header (RFC 1952, 2.3).

    False means that more bytes are needed to say.

    Raises:
        ValueError: it does not, or the header carries more than names.
    """
    if data[:3] != b"\x1f\x8b\x08"[: len(data)]:
        raise ValueError("there are bytes that are not gzip")
    if len(data) < 12:
        return False
    flags, position = data[3], 10
    if flags & RESERVED:
        raise ValueError("its gzip header uses reserved flags")
    if flags & _COMMENT:
        raise ValueError("its gzip header carries data of its own")
    if flags & _EXTRA:
        extra = int.from_bytes(data[10:12], "little")
        if extra > _MAX_EXTRA:
            raise ValueError("its gzip header carries data of its own")
        position = 12 + extra
    if flags & _NAME:
        end = data.find(b"\0", position, position + _MAX_TEXT)
        if end < 0:
            if len(data) >= position + _MAX_TEXT:
                raise ValueError("its gzip header carries data of its own")
            return False
        position = end + 1
    return len(data) >= position
