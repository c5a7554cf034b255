"""Small members packed into one plain tar of ours, so that one scan proves many.

Nothing of the customer's stands in a header: no name, no mode, nothing a parser could be
confused with. Members lie in one buffer, so any run of them is a tar again, without copying.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from app.bundle.header import BLOCK

_TEMPLATE = bytes(100) + b"0000644\0" + b"0000000\0" * 2 + bytes(12) + b"00000000000\0" + b" " * 8 + b"0"
_TEMPLATE += bytes(100) + b"ustar\x0000" + bytes(247)
_TEMPLATE_SUM = sum(_TEMPLATE)
_END = bytes(2 * BLOCK)


def tar_header(name: bytes, size: int) -> bytes:
    """Return a POSIX ustar header for a regular file. ``name`` <= 100 and ``size`` < 8**11 bytes."""
    octal = b"%011o" % size
    checksum = _TEMPLATE_SUM + sum(name) + sum(octal)
    return b"".join(
        (
            name.ljust(100, b"\0"),
            _TEMPLATE[100:124],
            octal,
            _TEMPLATE[135:148],
            b"%06o\0 " % checksum,
            _TEMPLATE[156:],
        )
    )


# An engine takes the first kilobyte or so of a stream for what the stream is, and a member
# chosen by the customer must not lie there: with "EFI PART" at byte 512, for one, a tar would
# be read as a disk. 40 KiB of zeros also cover where ISO 9660 looks (32,769 to 38,000).
_LEAD = tar_header(b"0", 40 * 1024) + bytes(40 * 1024)


class _Span(NamedTuple):
    """Where a member's header, content and content's end lie in the buffer."""

    header: int
    start: int
    end: int
    entries: int


@dataclass(slots=True)
class Shard:
    """A growing tar. ``names`` are the customer's, kept for findings and not packed."""

    names: list[str] = field(default_factory=list)
    _spans: list[_Span] = field(default_factory=list)
    _data: bytearray = field(default_factory=bytearray)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def packed(self) -> int:
        """Bytes held in memory."""
        return len(self._data)

    def add(self, name: str, data: bytes, entries: int) -> None:
        """Append a member, which stands for so many entries of the archive."""
        header = len(self._data)
        self._data += tar_header(b"%06d" % len(self.names), len(data))
        start = len(self._data)
        self._data += data
        self._data += bytes(-len(data) % BLOCK)
        self.names.append(name)
        self._spans.append(_Span(header, start, start + len(data), entries))

    def tar(self, first: int, last: int) -> Iterator[memoryview]:
        """Yield a whole tar of the members ``first`` up to, not including, ``last``."""
        data = memoryview(self._data)
        end = self._spans[last].header if last < len(self._spans) else len(data)
        yield memoryview(_LEAD)
        yield data[self._spans[first].header : end]
        yield memoryview(_END)

    def content(self, index: int) -> memoryview:
        """Return one member's bytes, bare."""
        span = self._spans[index]
        return memoryview(self._data)[span.start : span.end]

    def weight(self, first: int, last: int) -> tuple[int, int]:
        """Return the entries of the archive, and the bytes of content, in a run of members."""
        spans = self._spans[first:last]
        return sum(span.entries for span in spans), sum(span.end - span.start for span in spans)
