"""What the scanner must find, and what it must not pass, before anything may turn clean.

The test virus goes the way that every bundle goes. Whether clamd.conf lets the engine call clean
what it did not look at is asked of the engine alone.
"""

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import BinaryIO, Final, cast

from app.bundle.budget import Budget
from app.bundle.pack import END, FILE, entry_header, padding
from app.domain.verdict import ScanReport, StreamResult, Verdict
from app.ports import Scanner
from app.services.gate import Probe
from app.services.scanning.examine import examine
from app.settings import Settings

# Backwards, so that this file is no test virus itself (eicar.org).
EICAR: Final = b"*H+H$!ELIF-TSET-SURIVITNA-DRADNATS-RACIE$}7)CC7)^P(45XZP\\4[PA@%P!O5X"[::-1]

_LIMITS, _ENCRYPTED = "AlertExceedsMax", "AlertEncryptedArchive"  # in clamd.conf
_PATIENCE = 60.0  # seconds; a scanner that has failed a probe by then is asked no more
_STORED = 0  # zlib's level that compresses nothing, so that the ratio budget never matters
_LINE = b"Nov 21 06:00:01 probe padding[1]: nothing happened, and it was written down at length.\n"
_CHUNK = _LINE * 3_000
_HARMLESS: Final = {"etc/hostname": b"web-01\n", "var/log/messages": _CHUNK}


def probe(scanner: Scanner, settings: Settings) -> list[Probe]:
    """Send one probe after the other. Raises ScannerUnavailableError."""
    padded = settings.probe_padding_bytes
    inner = _tgz({"eicar.com": EICAR})
    nested = _tgz({"inner.tgz": inner})
    tests: tuple[Callable[[Scanner], Probe], ...] = (
        _passes,
        partial(_finds, where="in a bundle", bundle=io.BytesIO(inner)),
        partial(_finds, where="among small files", bundle=io.BytesIO(_tgz(_HARMLESS | {"eicar.com": EICAR}))),
        partial(_finds, where="in an archive in a bundle", bundle=io.BytesIO(nested)),
        partial(_finds, where="two archives deep in a bundle", bundle=io.BytesIO(_tgz({"a.tgz": nested}))),
        partial(_finds, where=f"after a file of {padded / 10**6:,.0f} MB", bundle=_padded(padded)),
        partial(_refuses, what="an archive nested too deep to follow", data=too_deep(), option=_LIMITS),
        partial(_refuses, what="an encrypted archive", data=encrypted(), option=_ENCRYPTED),
    )
    results: list[Probe] = []
    began = monotonic()
    for test in tests:
        started = monotonic()
        result = test(scanner)
        results.append(replace(result, seconds=round(monotonic() - started, 3)))
        if not result.passed and monotonic() - began > _PATIENCE:
            break
    return results


def too_deep() -> bytes:
    """Return harmless bytes in more layers of gzip than any engine is set to follow."""
    data = b"harmless\n"
    for _ in range(120):
        data = gzip.compress(data, mtime=0)
    return data


def encrypted() -> bytes:
    """Return a .zip of one stored entry whose flags say that it is encrypted (APPNOTE 4.4.4)."""
    name, content = b"a.txt", bytes(range(40))
    sizes = len(content).to_bytes(4, "little") * 2 + len(name).to_bytes(2, "little") + bytes(2)
    local = b"PK\3\4\x14\0\1\0\0\0" + bytes(4) + b"\1\2\3\4" + sizes + name + content
    central = b"PK\1\2\x14\0\x14\0\1\0\0\0" + bytes(4) + b"\1\2\3\4" + sizes + bytes(14) + name
    ends = b"\1\0\1\0" + len(central).to_bytes(4, "little") + len(local).to_bytes(4, "little")
    return local + central + b"PK\5\6" + bytes(4) + ends + bytes(2)


def _passes(scanner: Scanner) -> Probe:
    files = _HARMLESS | {"old.tgz": _tgz({"a": b"nothing\n"})}
    report = _examine(scanner, io.BytesIO(_tgz(files)))
    passed = report.verdict is Verdict.CLEAN
    why = report.reason or ", ".join(sorted({finding.signature for finding in report.findings})) + "."
    return Probe(
        "Passes a harmless bundle", passed, "" if passed else f"The scanner stopped a harmless bundle: {why}"
    )


def _finds(scanner: Scanner, where: str, bundle: BinaryIO) -> Probe:
    report = _examine(scanner, bundle)
    name = f"Finds the test virus {where}"
    if report.verdict is Verdict.CLEAN:
        return Probe(name, False, f"The scanner did not find the test virus {where}.", missed=True)
    if report.verdict is Verdict.UNSCANNABLE:
        return Probe(name, False, f"The scanner gave no verdict on the test virus {where}: {report.reason}")
    if report.bytes_scanned < report.bytes_expanded:
        limits = "StreamMaxLength, MaxFileSize and MaxScanSize in clamd.conf"
        return Probe(name, False, f"The scanner does not scan large files to their end. Look at {limits}.")
    return Probe(name, True)


def _refuses(scanner: Scanner, what: str, data: bytes, option: str) -> Probe:
    verdict = scanner.scan((data,))
    name = f"Refuses {what}"
    if verdict.result is StreamResult.CLEAN:
        return Probe(
            name,
            False,
            f"The scanner calls {what} clean, though it cannot look inside. Set {option} in clamd.conf.",
            missed=True,
        )
    if verdict.result is StreamResult.ERROR:
        return Probe(name, False, f"The scanner gave no verdict on {what}: {verdict.detail}.")
    return Probe(name, True)


def _examine(scanner: Scanner, source: BinaryIO) -> ScanReport:
    return examine(scanner, source, budget=Budget(), connections=1)


def _tgz(files: dict[str, bytes]) -> bytes:
    packed = b"".join(_entry(name, content) for name, content in files.items())
    return gzip.compress(packed + END, mtime=0)


def _padded(size: int) -> BinaryIO:
    return cast("BinaryIO", _Padded(size))


class _Padded(io.RawIOBase):
    """A bundle of one large harmless file, and the test virus after it; made while it is read."""

    def __init__(self, size: int) -> None:
        """``size`` of the harmless file, bytes."""
        self._size = size
        self._bytes = self._make()
        self._left = memoryview(b"")

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go back to the beginning, and nowhere else."""
        if (offset, whence) != (0, io.SEEK_SET):
            raise io.UnsupportedOperation("only to the beginning")
        self._bytes, self._left = self._make(), memoryview(b"")
        return 0

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes; none at the end."""
        while not self._left:
            chunk = next(self._bytes, None)
            if chunk is None:
                return b""
            self._left = memoryview(chunk)
        data, self._left = self._left[:size], self._left[size:]
        return bytes(data)

    def _make(self) -> Iterator[bytes]:
        packer = zlib.compressobj(_STORED, zlib.DEFLATED, 31)
        for chunk in self._tar():
            yield packer.compress(chunk)
        yield packer.flush()

    def _tar(self) -> Iterator[bytes]:
        yield entry_header("padding.log", FILE, size=self._size)
        whole, rest = divmod(self._size, len(_CHUNK))
        for _ in range(whole):
            yield _CHUNK
        yield _CHUNK[:rest] + padding(self._size)
        yield _entry("eicar.com", EICAR) + END


def _entry(name: str, content: bytes) -> bytes:
    return entry_header(name, FILE, size=len(content)) + content + padding(len(content))
