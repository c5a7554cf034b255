"""Bundles that are large when expanded and small as files, made quickly (T21, T25)."""

import random
import struct
import zlib
from collections.abc import Iterable, Iterator

_RANDOM = random.Random(9)
_TEXT = b"".join(b"%d a line of a log\n" % number for number in range(900))[: 15 * 1024]
# 1 MiB that unfolds about 20 times: well below what the budget calls a bomb.
ONE = b"".join(_RANDOM.randbytes(1024) + _TEXT for _ in range(64))


class _Gzip:
    """Deflates ``ONE``, and whatever else comes again, once."""

    def __init__(self, again: tuple[bytes, ...]) -> None:
        self._deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
        self._again = again
        self._known: dict[int, bytes] = {}
        self._crc = self._size = 0

    def pack(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield one gzip member of the pieces."""
        yield b"\x1f\x8b\x08" + bytes(7)
        for piece in pieces:
            self._crc = zlib.crc32(piece, self._crc)
            self._size += len(piece)
            place = next((number for number, other in enumerate(self._again) if other is piece), None)
            if place is None:
                yield self._deflate(piece)
            else:
                yield self._known.setdefault(place, self._known.get(place) or self._deflate(piece))
        yield self._deflater.flush() + struct.pack("<LL", self._crc, self._size % 2**32)

    def _deflate(self, piece: bytes) -> bytes:
        # A full flush forgets what came before: the output stands for itself and can be repeated.
        return self._deflater.compress(piece) + self._deflater.flush(zlib.Z_FULL_FLUSH)


def packed(pieces: Iterable[bytes], *again: bytes) -> Iterator[bytes]:
    """Yield a gzip member of the pieces; ``again`` are those, beside ``ONE``, that come often."""
    return _Gzip((ONE, *again)).pack(pieces)
