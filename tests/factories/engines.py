"""A clamd of a test's own, whose clamd.conf and signatures the test may spoil."""

import hashlib
import tarfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from app.adapters.scanner import ClamdScanner
from app.cli.dev.clamav import clamav
from app.cli.dev.process import Process
from tests.factories.bundles import make_tar
from tests.factories.eicar import eicar


class OwnClamd:
    """Call `start` after every change of ``conf``, which is what clamd.conf gets changed to."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(exist_ok=True)
        directory.chmod(0o711)  # clamd runs as somebody else
        self.signatures = directory / "signatures"
        self.temporary = directory / "clamav" / "tmp"
        socket = directory / "run" / "clamd.sock"
        self.address = f"unix:{socket}"
        self.spoil: Callable[[], object] = lambda: None  # done last, before every start
        self.changes: dict[str, str | None] = {}
        self.process: Process = clamav(directory / "clamav", socket, directory / "clamd.log", self.signatures)
        self._prepare, self.process.prepare = self.process.prepare, self._change
        self._conf = directory / "clamav" / "clamd.conf"

    @property
    def scanner(self) -> ClamdScanner:
        return ClamdScanner(self.address, timeout=30)

    def start(self, **changes: str | None) -> None:
        """Start it anew, with these options changed, or left out where None."""
        self.changes = changes
        self.process.stop()
        self.process.start()
        self.process.wait_ready()

    def _change(self) -> None:
        self._prepare()
        lines = self._conf.read_text().splitlines()
        kept = [line for line in lines if line.partition(" ")[0] not in self.changes]
        new = [f"{name} {value}" for name, value in self.changes.items() if value is not None]
        self._conf.write_text("\n".join([*kept, *new, ""]))
        self.spoil()

    def date_signatures(self, version: int, built: datetime) -> None:
        """Put signatures there that have a version and a date, as real ones do."""
        target = self.signatures / "daily.cud"
        ready = self.signatures / "daily.new"
        ready.write_bytes(daily(version, built))
        ready.replace(target)


def daily(version: int, built: datetime) -> bytes:
    """Return a ClamAV database container that knows EICAR: a header, then a tar. It is unsigned."""
    when = built.strftime("%d %b %Y %H-%M +0000")
    header = f"ClamAV-VDB:{when}:{version}:1:90:X:X:tests:{built.timestamp():.0f}".encode()
    signatures = f"Eicar-Dated:0:0:{eicar().hex()}\n".encode()
    listed = f"daily.ndb:{len(signatures)}:{hashlib.sha256(signatures).hexdigest()}\n".encode()
    files = {"COPYING": b"none\n", "daily.info": header + b"\n" + listed, "daily.ndb": signatures}
    return header.ljust(512) + make_tar(files, tarfile.USTAR_FORMAT)
