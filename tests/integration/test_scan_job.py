"""The scan job from claim to verdict, on a real clamd: T6, T20, T23, T26, F12."""

import gzip
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from app.adapters.scanner import ClamdScanner
from app.domain.errors import ScannerUnavailableError
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor
from app.domain.verdict import StreamResult, StreamVerdict
from app.jobs.scan_upload import scan_upload
from app.models import Upload
from app.system import System
from tests.factories.bundles import make_tar, make_tgz
from tests.factories.eicar import eicar
from tests.factories.uploads import make_upload
from tests.fakes import FakeQueue, FakeScanner
from tests.integration.looking import deeds, fresh, pass_time

WHOLE = make_tgz({"etc/hostname": b"web-01\n", "var/log/messages": bytes(range(256)) * 9000})
LARGE = make_tgz({"random": Random(1).randbytes(200_000)})  # more than is looked at while it arrives


@pytest.fixture
def scanning(system: System, clamd_address: str) -> System:
    """Give `system` with the real engine."""
    return replace(system, adapters=replace(system.adapters, scanner=ClamdScanner(clamd_address, timeout=60)))


def scanned(system: System, sender: Actor, content: bytes) -> Upload:
    upload = make_upload(system, sender, content=content)
    scan_upload(system, str(upload.id))
    return fresh(system, upload.id)


def test_clean(scanning: System, sender: Actor) -> None:
    upload = scanned(scanning, sender, WHOLE)
    assert upload.state is UploadState.CLEAN
    assert upload.scan
    assert (upload.scan.members_total, upload.scan.members_scanned) == (2, 2)
    assert upload.scan.bytes_expanded == upload.scan.bytes_scanned == 7 + 256 * 9000
    assert upload.scan.engine.startswith("ClamAV ")
    assert deeds(scanning, upload.id)[-1] == "upload.clean"


@pytest.mark.parametrize("where", [0, 1, 2])
def test_a_virus_in_a_member_is_named(scanning: System, sender: Actor, where: int) -> None:
    files = {f"logs/{number}.log": b"harmless\n" * 99 for number in range(3)}
    files[f"logs/{where}.log"] = eicar()
    upload = scanned(scanning, sender, make_tgz(files))
    assert upload.state is UploadState.INFECTED
    assert upload.scan
    (finding,) = upload.scan.findings
    assert finding["member"] == f"logs/{where}.log"
    assert finding["signature"] == "Eicar-Test-Signature.UNOFFICIAL"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(WHOLE[: len(WHOLE) // 2], id="truncated"),
        pytest.param(WHOLE[:-9], id="without its checksum"),
        pytest.param(WHOLE + b"garbage", id="garbage after gzip"),
        pytest.param(gzip.compress(make_tar({"a": b"x" * 9999})[:5000]), id="tar cut short"),
        pytest.param(gzip.compress(make_tar({"a": b"x"}) + b"hidden"), id="bytes after the tar"),
        pytest.param(LARGE[:90_000] + b"\xff" * 8 + LARGE[90_008:], id="damaged"),
    ],
)
def test_what_is_not_a_whole_archive_is_never_clean(scanning: System, sender: Actor, content: bytes) -> None:
    upload = scanned(scanning, sender, content)
    assert upload.state is UploadState.UNSCANNABLE
    assert upload.reason
    assert "damaged" in upload.reason or "well-formed" in upload.reason


def test_a_virus_after_the_archives_end_is_found(scanning: System, sender: Actor) -> None:
    hidden = scanned(scanning, sender, WHOLE + gzip.compress(eicar()))
    assert hidden.state in {UploadState.INFECTED, UploadState.UNSCANNABLE}


def test_a_scanner_that_is_away_leaves_it_waiting(
    system: System, sender: Actor, scanner: FakeScanner
) -> None:
    """F12: nothing becomes clean, no attempt is counted, and it is scanned when the scanner is back."""
    scanner.down = True
    upload = scanned(system, sender, WHOLE)
    assert (upload.state, upload.attempts, upload.scan) == (UploadState.SEALED, 0, None)
    scanner.down = False
    scan_upload(system, str(upload.id))
    assert fresh(system, upload.id).state is UploadState.CLEAN


@pytest.mark.parametrize(("in_stream", "counted"), [(False, 0), (True, 1)])
def test_a_scanner_that_goes_away_in_mid_scan(
    system: System,
    sender: Actor,
    scanner: FakeScanner,
    monkeypatch: pytest.MonkeyPatch,
    in_stream: bool,
    counted: int,
) -> None:
    """F14: what it may have died of counts as a try, else nothing does; then the bundle rests a moment."""

    def die(_chunks: object) -> StreamVerdict:
        raise ScannerUnavailableError("gone", in_stream=in_stream)

    with monkeypatch.context() as patch:
        patch.setattr(scanner, "scan", die)
        upload = scanned(system, sender, WHOLE)
    assert (upload.state, upload.attempts) == (UploadState.SEALED, counted)
    scan_upload(system, str(upload.id))
    assert fresh(system, upload.id).state is UploadState.SEALED
    pass_time(system, upload.id, 10)
    scan_upload(system, str(upload.id))
    assert fresh(system, upload.id).state is UploadState.CLEAN


@pytest.mark.parametrize(
    "answer",
    [
        StreamVerdict(StreamResult.ERROR, "Can't allocate memory ERROR"),
        StreamVerdict(StreamResult.LIMIT, "Heuristics.Limits.Exceeded.MaxScanSize"),
        StreamVerdict(StreamResult.ENCRYPTED, "Heuristics.Encrypted.Zip"),
    ],
    ids=lambda answer: answer.result,
)
def test_only_ok_is_clean(system: System, sender: Actor, scanner: FakeScanner, answer: StreamVerdict) -> None:
    scanner.answers = {b"web-01": answer}
    upload = scanned(system, sender, WHOLE)
    assert upload.state is UploadState.UNSCANNABLE
    assert upload.reason
    assert answer.detail in upload.reason


def test_bytes_changed_in_storage_are_never_clean(system: System, sender: Actor) -> None:
    """T26: between the seal and the scan."""
    upload = make_upload(system, sender, content=WHOLE)
    stored = next(Path(system.settings.storage_root, "sealed").glob("*/*"))
    stored.chmod(0o600)
    stored.write_bytes(make_tgz({"other": b"bytes"}))
    scan_upload(system, str(upload.id))
    now = fresh(system, upload.id)
    assert now.state is UploadState.INTEGRITY_FAILED
    assert now.reason == "The stored bytes are not those that were received."


def test_bytes_gone_from_storage_end_unscannable(system: System, sender: Actor) -> None:
    """F14: each try counts, so it ends."""
    upload = make_upload(system, sender, content=WHOLE)
    next(Path(system.settings.storage_root, "sealed").glob("*/*")).unlink()
    for _ in range(system.settings.scan_attempts + 1):
        assert fresh(system, upload.id).state is UploadState.SEALED
        scan_upload(system, str(upload.id))
        pass_time(system, upload.id, 10)
    assert fresh(system, upload.id).state is UploadState.UNSCANNABLE


def test_ringing_again_after_the_verdict_does_nothing(
    system: System, sender: Actor, scanner: FakeScanner, queue: FakeQueue
) -> None:
    """F5."""
    upload = scanned(system, sender, WHOLE)
    before, streams, rung = deeds(system, upload.id), list(scanner.streams), list(queue.rung)
    scan_upload(system, str(upload.id))
    assert (deeds(system, upload.id), scanner.streams, queue.rung) == (before, streams, rung)
