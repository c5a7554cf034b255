"""A stream of chunks, cut into the blocks and contents of a tar."""

from collections.abc import Iterable, Iterator

from app.bundle.header import BLOCK

_ZEROS = bytes(BLOCK)


class TarDamageError(ValueError):
    """The tar stops being a tar where it must not. Some readers look for where it goes on."""


class TarCutError(TarDamageError):
    """The tar ends where it must not."""


class Cursor:
    """Cuts a stream of chunks anew."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._chunk = b""
        self._position = 0
        self._before = 0  # bytes of the chunks before this one

    @property
    def offset(self) -> int:
        """How many bytes were taken."""
        return self._before + self._position

    def some(self, limit: int) -> bytes:
        """Return between 1 and ``limit`` bytes, or b"" at the end."""
        if self._position == len(self._chunk):
            self._before += len(self._chunk)
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

    def at_once(self, size: int) -> bytes | None:
        """Return ``size`` bytes and skip the padding, if both are here already and nothing is wrong."""
        start, end = self._position, self._position + size
        padded = end + -size % BLOCK
        if padded > len(self._chunk) or self._chunk[end:padded] != _ZEROS[: padded - end]:
            return None
        self._position = padded
        return self._chunk[start:end]

    def exactly(self, size: int) -> Iterator[bytes]:
        """Yield ``size`` bytes in chunks, and skip the padding to a whole block."""
        left = size
        while left:
            data = self.some(left)
            if not data:
                raise TarCutError("it ends within a file")
            left -= len(data)
            yield data
        padding = self.upto(-size % BLOCK)
        if len(padding) < -size % BLOCK:
            raise TarCutError("it ends within a file")
        if padding != _ZEROS[: len(padding)]:
            raise ValueError("something is hidden behind the end of a file")

    def rest(self, first: bytes) -> Iterator[bytes]:
        """Yield ``first`` and all that follows."""
        while first:
            yield first
            first = self.some(1024**2)
