"""One read of a stored object, which does everything at once."""

from app.bundle.budget import Budget
from app.domain.verdict import ScanReport
from app.ports import Scanner, Storage
from app.services.scanning.examine import examine
from app.settings import Settings


def read(storage: Storage, scanner: Scanner, settings: Settings, key: str) -> tuple[ScanReport, str]:
    """Scan the stored object; return the report and the version that was read, from beginning to end.

    Raises:
        ScannerUnavailableError: the scanner is away; nothing is known about the bundle.
        DependencyError, OSError: the store failed.
        RuntimeError: the object changed meanwhile.
    """
    source, version = storage.open(key)
    with source:
        report = examine(scanner, source, budget=Budget(), connections=settings.scan_connections)
    again, still = storage.open(key)
    again.close()
    if still != version:
        raise RuntimeError(f"the stored object changed while it was scanned: {version} -> {still}")
    return report, version
