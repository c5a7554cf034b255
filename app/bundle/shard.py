"""Small members packed into one plain archive of ours, so that one scan proves many.

The archive is cpio in its "newc" form (cpio(5)), because ClamAV looks at the contents of a cpio where
they lie, and writes those of a tar to disk, block by block, which takes several times as long.
Nothing of the customer's stands in a header: no name, no mode, nothing a parser could be confused
with. Members lie in one buffer, so any run of them is an archive again, without copying.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

_ALIGNED = 4  # bytes, to which headers with their names, and contents, are padded
_REGULAR = 0o100644


def _header(name: bytes, inode: int, mode: int, size: int) -> bytes:
    """Return a header with its name. ``inode`` and ``size`` < 2**32."""
    owner_and_links, time = (0, 0, 1), (0,)
    numbers = (inode, mode, *owner_and_links, *time, size, 0, 0, 0, 0, len(name) + 1, 0)
    header = b"070701" + b"".join(b"%08X" % number for number in numbers) + name + b"\0"
    return header + bytes(-len(header) % _ALIGNED)


# An engine takes the first kilobyte or so of a stream for what the stream is, and a member
# chosen by the customer must not lie there: with "EFI PART" at byte 512, for one, it might be
# read as a disk. 40 KiB of zeros also cover where ISO 9660 looks (32,769 to 38,000).
_LEAD = _header(b"lead", 0, _REGULAR, 40 * 1024) + bytes(40 * 1024)
_END = _header(b"TRAILER!!!", 0, 0, 0)


class Part(NamedTuple):
    """Something to be scanned: the bundle's entry of that number, something in it, or neither."""

    name: str  # the customer's, for display
    entry: int | None
    entries: int  # how many of the bundle's own it stands for: 1, or 0


class _Span(NamedTuple):
    """Where a member's header, content and content's end lie in the buffer."""

    header: int
    start: int
    end: int


@dataclass(slots=True)
class Shard:
    """A growing archive. ``parts`` are who has each content; nothing of them is packed."""

    parts: list[list[Part]] = field(default_factory=list)
    count: int = 0  # of parts
    _spans: list[_Span] = field(default_factory=list)
    _data: bytearray = field(default_factory=bytearray)
    _places: dict[bytes, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._spans)

    @property
    def packed(self) -> int:
        """Bytes held in memory."""
        return len(self._data)

    @property
    def digests(self) -> Iterable[bytes]:
        """Those of all contents."""
        return self._places.keys()

    def add(self, part: Part, data: bytes, digest: bytes) -> None:
        """Append a part. What is there already, by the digest of its data, is not packed again."""
        self.count += 1
        place = self._places.setdefault(digest, len(self._spans))
        if place < len(self._spans):
            self.parts[place].append(part)
            return
        header = len(self._data)
        self._data += _header(b"%06d" % place, place + 1, _REGULAR, len(data))
        start = len(self._data)
        self._data += data
        self._data += bytes(-len(data) % _ALIGNED)
        self.parts.append([part])
        self._spans.append(_Span(header, start, start + len(data)))

    def archive(self, first: int, last: int) -> Iterator[memoryview]:
        """Yield a whole archive of the contents ``first`` up to, not including, ``last``."""
        data = memoryview(self._data)
        end = self._spans[last].header if last < len(self._spans) else len(data)
        yield memoryview(_LEAD)
        yield data[self._spans[first].header : end]
        yield memoryview(_END)

    def content(self, index: int) -> memoryview:
        """Return the bytes of one, bare."""
        span = self._spans[index]
        return memoryview(self._data)[span.start : span.end]

    def size(self, index: int) -> int:
        """Return how many they are."""
        span = self._spans[index]
        return span.end - span.start

    def weight(self, first: int, last: int) -> tuple[int, int]:
        """Return the entries of the bundle, and the bytes of content, that a run stands for."""
        run = range(first, last)
        entries = sum(part.entries for index in run for part in self.parts[index])
        return entries, sum(len(self.parts[index]) * self.size(index) for index in run)
