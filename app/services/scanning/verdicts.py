"""What a scan said, written down; the same for a first scan and for a later one."""

from dataclasses import asdict, replace

from sqlalchemy import func

from app.domain.events import Event
from app.domain.lifecycle import UploadState
from app.domain.verdict import Engine, Obstacle, ScanReport, Verdict
from app.log import get_logger
from app.models import Scan, Upload
from app.services import audit, notices
from app.services.lifecycle import transition
from app.services.scanning import leases
from app.services.scanning.leases import Claim
from app.uow import UnitOfWork

log = get_logger(__name__)

_OTHER_BYTES = "The stored bytes are not those that were received."


def edition(engine: Engine) -> str:
    """Name the signatures, up to 64 characters; a database without a version goes by its engine."""
    return (engine.signatures or engine.name)[:64]


def is_of(report: ScanReport, held: Claim) -> bool:
    """Whether the bytes that were read are those that were sealed."""
    return report.size == held.size and held.sha256 in {None, report.sha256}


def as_announced(report: ScanReport, held: Claim) -> ScanReport:
    """Return the report, with the doubt that what arrived is not what its sender announced.

    Only what went past the portal comes so far with another digest. It was acknowledged, so it is
    kept; a mixture of two files, say, is nothing to call ready. A virus in it is one all the same.
    """
    if held.announced in {None, report.sha256} or report.verdict is Verdict.INFECTED:
        return report
    reason = (
        f"What arrived has SHA-256 {report.sha256}, and {held.announced} was announced. "
        "Compare it with your file and send it again."
    )
    return replace(
        report, verdict=Verdict.UNSCANNABLE, reason=reason, obstacle=Obstacle.DAMAGED, complete=False
    )


def settle(uow: UnitOfWork, held: Claim, report: ScanReport, storage_version: str, *, proven: bool) -> bool:
    """End the claim with a verdict and keep it; False when the claim is no longer ours.

    Unless ``proven``, the scanner may have overlooked something: nothing is called complete by it, and
    another scan is asked for.

    ``storage_version`` is that of the object that was read; it becomes the upload's, which after
    a restore from a backup is another one with the same bytes. So does the SHA-256, which nobody may
    have known before.
    """
    values = {
        "lease_until": None,
        "rescan_asked_at": None if proven else func.now(),
        "scanned_for": edition(report.engine),
        "storage_version": storage_version,
        "tagged": None,
        "sha256": report.sha256,
    }
    if not leases.write(uow, held, values):
        return False
    uow.session.merge(
        Scan(
            upload_id=held.upload_id,
            verdict=report.verdict,
            storage_version=storage_version,
            findings=[asdict(finding) for finding in report.findings],
            members_total=report.members_total,
            members_scanned=report.members_scanned,
            bytes_expanded=report.bytes_expanded,
            bytes_scanned=report.bytes_scanned,
            windowed=report.windowed,
            complete=report.complete and proven,
            engine=report.engine.name,
            signatures=report.engine.signatures,
            signatures_at=report.engine.signatures_at,
            seconds=report.seconds,
            scanned_at=func.now(),
        )
    )
    uow.session.flush()
    return True


def judge(uow: UnitOfWork, held: Claim, report: ScanReport) -> Upload:
    """Move the upload, whose claim has ended with this report, to the report's verdict."""
    return transition(
        uow,
        held.upload_id,
        UploadState(report.verdict),
        epoch=held.epoch,
        reason=report.reason,
        obstacle=report.obstacle,
    )


def changed(uow: UnitOfWork, held: Claim, read_sha256: str | None = None) -> bool:
    """Say that the stored bytes are not those that were sealed; False when the claim is not ours."""
    log.error("stored_bytes_changed", upload_id=held.upload_id, read_sha256=read_sha256)
    if not leases.write(uow, held, {"lease_until": None, "rescan_asked_at": None}):
        return False
    if held.state is UploadState.INTEGRITY_FAILED:
        upload = uow.session.get_one(Upload, held.upload_id)
        audit.record(uow, "upload.rescan_failed", upload=upload, reason=_OTHER_BYTES)
        return True
    upload = transition(
        uow, held.upload_id, UploadState.INTEGRITY_FAILED, epoch=held.epoch, reason=_OTHER_BYTES
    )
    notices.announce(uow, Event.UPLOAD_INTEGRITY_FAILED, upload, occasion=f"scan {held.epoch}")
    return True
