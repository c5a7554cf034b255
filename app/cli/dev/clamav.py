"""A private clamd, and freshclam beside it where the machine has no signatures of its own."""

import shutil
import time
from io import BytesIO
from pathlib import Path

import clamd

from app.cli.dev.account import account, private
from app.cli.dev.process import Process, program

SYSTEM_SIGNATURES = Path("/var/lib/clamav")
STALE = 7 * 24 * 3600  # seconds, as DIAGPORT_SIGNATURES_MAX_AGE
CLAMD_CONF = """\
Foreground yes
LocalSocket {socket}
LocalSocketMode 600
DatabaseDirectory {signatures}
TemporaryDirectory {temporary}
MaxThreads 20
CommandReadTimeout 120
# The loading of new signatures would need their gigabyte of memory twice; scans wait instead.
ConcurrentDatabaseReload no
# For as long as its idle threads linger clamd answers nothing then; 30 seconds unless told.
IdleTimeout 1
SelfCheck 60
StreamMaxLength 2000M
MaxFileSize 2000M
MaxScanSize 4000M
MaxScanTime 600000
# Without these two, what is too large or encrypted counts as clean.
AlertExceedsMax yes
AlertEncrypted yes
"""
FRESHCLAM_CONF = """\
DatabaseDirectory {signatures}
DatabaseOwner {owner}
DatabaseMirror database.clamav.net
NotifyClamd {clamd_conf}
Foreground yes
Checks 6
ConnectTimeout 10
ReceiveTimeout 120
MaxAttempts 1
"""


def clamav(directory: Path, socket: Path, log: Path, signatures: Path) -> Process:
    """Describe clamd with its files below `directory`; `signatures` of ours begin with EICAR's alone.

    Raises:
        ProcessFailedError: ClamAV is not installed.
    """
    owner = account("clamav", directory)
    conf = directory / "clamd.conf"

    def prepare() -> None:
        temporary = directory / "tmp"
        shutil.rmtree(temporary, ignore_errors=True)  # a killed clamd leaves what it was scanning
        private(directory, owner)
        private(temporary, owner)
        private(socket.parent, owner)
        if signatures != SYSTEM_SIGNATURES:
            _write_test_signatures(private(signatures, owner))
            for daily in filter(_stale, signatures.glob("daily.c[lv]d")):
                daily.unlink()  # from a run long ago: the portal would wait for the fresh one
        conf.write_text(CLAMD_CONF.format(socket=socket, signatures=signatures, temporary=temporary))

    return Process(
        "clamd",
        [program("clamd"), "--config-file", conf],
        log,
        ready=lambda: answers(socket),
        account=owner,
        patience=180.0,  # real signatures take up to a minute to load
        prepare=prepare,
    )


def freshclam(directory: Path, log: Path, signatures: Path) -> Process:
    """Describe the daemon that fetches real signatures and tells the clamd of `directory`.

    It is not kept alive: it goes on by itself without a network, and ends when the mirror refuses us.

    Raises:
        ProcessFailedError: freshclam is not installed.
    """
    owner = account("clamav", directory)
    conf = directory / "freshclam.conf"

    def prepare() -> None:
        conf.write_text(
            FRESHCLAM_CONF.format(
                signatures=signatures, owner=signatures.owner(), clamd_conf=directory / "clamd.conf"
            )
        )

    return Process(
        "freshclam",
        [program("freshclam"), "--daemon", "--config-file", conf],
        log,
        account=owner,
        prepare=prepare,
    )


def system_signatures() -> bool:
    """Say whether this machine has real signatures of its own, and keeps them fresh by itself."""
    whole = all(any(SYSTEM_SIGNATURES.glob(f"{name}.c[lv]d")) for name in ("main", "daily"))
    return whole and not any(map(_stale, SYSTEM_SIGNATURES.glob("daily.c[lv]d")))


def _stale(database: Path) -> bool:
    """Whether the portal would not trust a database any more; it has its date in its header."""
    with database.open("rb") as file:
        built = file.read(512).rstrip().rpartition(b":")[2]
    return not built.isdigit() or time.time() - int(built) > STALE


def _write_test_signatures(signatures: Path) -> None:
    """Make a database that knows EICAR alone.

    Loose files carry no version, so VERSION names none: that tells the portal what it has.
    """
    pattern = clamd.EICAR.hex()  # taken from the library, so that this file is no test virus itself
    (signatures / "diagport-test.ndb").write_text(f"Eicar-Test-Signature:0:0:{pattern}\n")


def answers(socket: Path) -> bool:
    """Say whether clamd answers a PING."""
    scanner = clamd.ClamdUnixSocket(str(socket), timeout=5)
    try:
        return bool(scanner.ping() == "PONG")
    except (clamd.ClamdError, OSError):
        scanner.clamd_socket.close()  # the package leaves it open when it cannot connect
        return False


def finds_eicar(socket: Path) -> bool:
    """Say whether clamd finds the test virus and passes harmless bytes."""
    try:
        scanner = clamd.ClamdUnixSocket(str(socket), timeout=30)
        virus = scanner.instream(BytesIO(clamd.EICAR))["stream"][0]
        harmless = scanner.instream(BytesIO(b"harmless"))["stream"][0]
    except (clamd.ClamdError, OSError, TypeError):  # TypeError: the connection closed without an answer
        return False
    return (virus, harmless) == ("FOUND", "OK")
