"""What the scanner must find, and what it must not pass, before anything may turn clean."""

import gzip
import io

from app.bundle.budget import Budget
from app.bundle.header import BLOCK
from app.bundle.shard import tar_header
from app.domain.verdict import Verdict
from app.ports import Scanner
from app.services.gate import Probe
from app.services.scanning.examine import examine

# Backwards, so that this file is no test virus itself (eicar.org).
EICAR = b"*H+H$!ELIF-TSET-SURIVITNA-DRADNATS-RACIE$}7)CC7)^P(45XZP\\4[PA@%P!O5X"[::-1]


def probe(scanner: Scanner) -> list[Probe]:
    """Send every probe the way that bundles go. Raises ScannerUnavailableError."""
    return [_finds(scanner, "EICAR in a bundle", _tgz({"eicar.com": EICAR}))]


def _finds(scanner: Scanner, name: str, bundle: bytes) -> Probe:
    report = examine(scanner, io.BytesIO(bundle), budget=Budget(), connections=1)
    passed = report.verdict is Verdict.INFECTED
    return Probe(
        name, passed, "" if passed else f"The scanner did not find the test virus: {report.verdict}."
    )


def _tgz(files: dict[str, bytes]) -> bytes:
    packed = b"".join(
        tar_header(name.encode(), len(content)) + content + bytes(-len(content) % BLOCK)
        for name, content in files.items()
    )
    return gzip.compress(packed + bytes(2 * BLOCK), mtime=0)
