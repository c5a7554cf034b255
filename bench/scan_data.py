"""Bundles to scan, written to disk piece by piece: mixed ones, a large one, one of very many members."""

import random
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from isal import igzip

MIB = 1024**2
_WORDS = [
    f"{word}{number}" for word in ("request", "node", "lease", "volume", "retry") for number in range(800)
]


def mixed(path: Path, content: int, largest: int = 64 * MIB) -> None:
    """Write a bundle of about ``content`` bytes of members: most small, most bytes in large ones.

    Two thirds of the bytes are log lines, the rest is data that does not compress.
    """
    chance = random.Random(content)
    sources = (_text(chance), _text(chance), _noise(chance))
    with _writing(path) as add:
        while content > 0:
            size = min(content, largest, int(1024 * 2 ** chance.triangular(0, 16, 4)))
            add(size, sources[chance.randrange(3)])
            content -= size


def many(path: Path, members: int) -> None:
    """Write a bundle of so many members of about 100 bytes, no two alike."""
    with _writing(path) as add:
        for number in range(members):
            line = b"%08d the quick brown fox jumps over the lazy dog, again and again and again\n" % number
            add(len(line), line)


@contextmanager
def _writing(path: Path) -> Iterator[Callable[[int, bytes], None]]:
    """Give a function that adds a member of some size, filled with the repeated bytes."""
    with (
        igzip.open(path, "wb", compresslevel=1) as stream,  # type: ignore[no-untyped-call]
        tarfile.open(fileobj=stream, mode="w|") as tar,
    ):
        count = 0

        def add(size: int, fill: bytes) -> None:
            nonlocal count
            member = tarfile.TarInfo(f"sosreport/{count % 97}/{count}.log")
            member.size = size
            member.mtime = 1_790_000_000
            # A beginning of its own: no engine may know it from the member before.
            content = BytesIO(_unlike(fill, count, size)) if size <= len(fill) else _Repeated(fill, count)
            tar.addfile(member, content)
            count += 1

        yield add


def _unlike(fill: bytes, number: int, size: int) -> bytes:
    return (b"%d\n" % number + fill)[:size]


class _Repeated(BytesIO):
    """The same bytes for ever, after a line that says which member it is."""

    def __init__(self, fill: bytes, number: int) -> None:
        super().__init__()
        self._fill = fill
        self._left = b"%d\n" % number

    def read(self, size: int | None = -1) -> bytes:
        """Return exactly ``size`` bytes."""
        wanted = size or 0
        while len(self._left) < wanted:
            self._left += self._fill
        data, self._left = self._left[:wanted], self._left[wanted:]
        return data


def _text(chance: random.Random) -> bytes:
    lines = (
        f"2026-11-21T02:{chance.randrange(60):02}:{chance.random() * 60:06.3f}Z web-{chance.randrange(90)} "
        f"{' '.join(chance.choices(_WORDS, k=9))} took {chance.randrange(9999)} ms\n"
        for _ in range(MIB // 100)
    )
    return "".join(lines).encode()


def _noise(chance: random.Random) -> bytes:
    return chance.randbytes(MIB)
