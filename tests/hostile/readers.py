"""What other programs get out of a bundle, at their most lenient; and a scanner as narrow as EICAR's rule."""

import io
import subprocess
import tarfile
import zlib
from collections.abc import Iterable, Iterator

from app.bundle.shard import Shard
from app.domain.verdict import StreamResult, StreamVerdict
from tests.fakes import FakeScanner

MARKER = b"fake-malware"
_GZIP = b"\x1f\x8b\x08"
_SHARD = next(iter(Shard().archive(0, 0)))[:110].tobytes()  # the header that all of them begin with
_FILE = b"\0<file>\0"


class BeginningScanner(FakeScanner):
    """Finds the marker only where a file begins with it, as engines find EICAR.

    It opens the portal's own packing and nothing else: an engine can be kept from seeing an archive.
    """

    def scan(self, chunks: Iterable[bytes | memoryview]) -> StreamVerdict:
        data = b"".join(chunks)
        contents = in_cpio(data) if data.startswith(_SHARD) else [data]
        if any(content.startswith(MARKER) for content in contents):
            return StreamVerdict(StreamResult.INFECTED, "Fake.Malware")
        return StreamVerdict(StreamResult.CLEAN)


def visible(bundle: bytes, depth: int = 5) -> bool:
    """Whether some reader gets a file out of it that begins with the marker, archives within opened too."""
    plain = gunzip(bundle)
    seen = (*in_tar(plain), *in_tar(plain, tolerant=True), *by_gnu_tar(bundle))
    return any(_shows(content, depth) for content in set(seen))


def _shows(content: bytes, depth: int) -> bool:
    if content.startswith(MARKER) or not depth:
        return content.startswith(MARKER)
    if content.startswith(_GZIP):
        return _shows(gunzip(content), depth - 1)
    return any(_shows(inner, depth - 1) for inner in in_tar(content))


def gunzip(data: bytes) -> bytes:
    """Return all that can be inflated: further members and zeros between them, up to the first damage."""
    plain = b""
    while data.startswith(_GZIP):
        inflater = zlib.decompressobj(31)
        try:
            for start in range(0, len(data), 64):
                plain += inflater.decompress(data[start : start + 64])
        except zlib.error:
            break
        data = inflater.unused_data.lstrip(b"\0")
    return plain


def in_cpio(data: bytes) -> Iterator[bytes]:
    """Yield the contents of a cpio in its "newc" form."""
    position = 0
    while True:
        size, name = (int(data[position + at : position + at + 8], 16) for at in (54, 94))
        start = position + (110 + name + 3) // 4 * 4
        if data[position + 110 : start].startswith(b"TRAILER!!!"):
            return
        yield data[start : start + size]
        position = start + (size + 3) // 4 * 4


def in_tar(plain: bytes, *, tolerant: bool = False) -> list[bytes]:
    """Return the contents that Python's tarfile gives, up to the first damage or, if ``tolerant``, beyond."""
    contents: list[bytes] = []
    try:
        with tarfile.open(fileobj=io.BytesIO(plain), ignore_zeros=tolerant) as archive:
            contents.extend(
                content.read(1_000_000)
                for info in archive
                if info.isreg() and (content := archive.extractfile(info))
            )
    # Its errors on hostile archives are of many kinds; all end the reading.
    except (tarfile.TarError, ValueError, OSError, ArithmeticError, IndexError):
        pass
    return contents


def by_gnu_tar(bundle: bytes) -> Iterator[bytes]:
    """Yield the contents that GNU tar writes. Nothing reaches the disk: each goes to a command."""
    for more in ((), ("--ignore-zeros",)):
        command = ("tar", "-xz", "-f", "-", "--to-command", f"printf '{_SHELL}'; cat", *more)
        done = subprocess.run(command, input=bundle, capture_output=True, check=False, timeout=30)
        yield from done.stdout.split(_FILE)[1:]


_SHELL = "".join(f"\\{byte:03o}" for byte in _FILE)
