"""One scan in a process of its own, as a job does it: `python -m bench.scanner FILE CLAMD LANES`."""

import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from app.adapters.scanner import ClamdScanner
from app.adapters.storage.filesystem import FilesystemStorage
from app.services.scanning.reading import read
from app.settings import Settings
from bench.meter import Meter

KEY = "bench/bundle"


def main() -> None:
    """Print what the scan found and took, as JSON."""
    bundle, clamd, lanes = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    with tempfile.TemporaryDirectory(dir=bundle.parent) as directory:
        storage = _stored(bundle, Path(directory))
        settings = Settings(
            environment="development",
            secret_key="a key that nothing is signed with here",  # noqa: S106
            base_url="http://localhost",
            database_url="postgresql+psycopg://",
            redis_url="unix://",
            clamd_address=clamd,
            storage_root=Path(directory),
            scan_connections=lanes,
        )
        start, cpu = time.perf_counter(), time.process_time()
        report, _ = read(storage, ClamdScanner(clamd, timeout=600), settings, KEY)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    print(
        json.dumps(
            {
                "verdict": report.verdict,
                "reason": report.reason,
                "seconds": seconds,
                "cpu": cpu,
                "members": report.members_total,
                "expanded": report.bytes_expanded,
                "rss": Meter(os.getpid()).peak_rss(),  # getrusage would count our parent's
            }
        )
    )


def _stored(bundle: Path, root: Path) -> FilesystemStorage:
    """Put the file where sealed objects lie, by a second name where that is possible."""
    storage = FilesystemStorage(root)
    place = root / "sealed" / KEY
    place.parent.mkdir(parents=True)
    try:
        os.link(bundle, place)
    except OSError:
        shutil.copyfile(bundle, place)
    return storage


if __name__ == "__main__":
    main()
