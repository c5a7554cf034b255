"""Who scans a bundle, for how long, and whose verdict is written.

A claim is a lease with a fence: whoever holds the newest epoch may renew, hand back and
record; everybody else finds that zero rows match and writes nothing. All times are the
database's.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, update

from app.domain.events import Event
from app.domain.lifecycle import UploadState
from app.domain.verdict import Obstacle, ScanReport, Verdict
from app.log import get_logger
from app.models import Scan, Upload
from app.services import audit, gate, notices
from app.services.lifecycle import transition
from app.uow import UnitOfWork

log = get_logger(__name__)

#: How long a bundle rests after the scanner could not be reached, seconds.
_REST = 5

_EVENT = {
    Verdict.CLEAN: Event.UPLOAD_CLEAN,
    Verdict.INFECTED: Event.UPLOAD_INFECTED,
    Verdict.UNSCANNABLE: Event.UPLOAD_UNSCANNABLE,
}


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to scan one upload, as long as ``epoch`` is the row's."""

    upload_id: UUID
    epoch: int
    storage_key: str
    size: int
    sha256: str


def _waiting() -> ColumnElement[bool]:
    rested = or_(Upload.lease_until.is_(None), Upload.lease_until < func.now())
    return Upload.state.in_([UploadState.SEALED, UploadState.SCANNING]) & rested


def waiting(uow: UnitOfWork, waited: int, limit: int) -> Sequence[UUID]:
    """Return what anybody may claim and has been so for ``waited`` seconds, the longest first."""
    long_enough = Upload.active_at <= _from_now(-waited)
    return uow.session.scalars(
        select(Upload.id).where(_waiting(), long_enough).order_by(Upload.active_at).limit(limit)
    ).all()


def claim(uow: UnitOfWork, upload_id: UUID) -> Claim | None:
    """Take the upload for scanning; None when there is nothing to do or another has it.

    An upload whose scans ended without a verdict too often becomes UNSCANNABLE here. While the
    gate is closed nothing is claimed.
    """
    if not gate.is_open(uow):
        return None
    taken = uow.session.scalars(
        update(Upload)
        .where(Upload.id == upload_id, _waiting())
        .values(
            state=UploadState.SCANNING,
            lease_until=_from_now(uow.settings.scan_lease),
            epoch=Upload.epoch + 1,
            attempts=Upload.attempts + 1,
            active_at=func.now(),
        )
        .returning(Upload)
    ).one_or_none()
    if taken is None:
        return None
    if taken.attempts > uow.settings.scan_attempts:
        transition(
            uow,
            upload_id,
            UploadState.UNSCANNABLE,
            epoch=taken.epoch,
            lease_until=None,
            reason=f"The scanner stopped {uow.settings.scan_attempts} times while checking this bundle.",
            obstacle=Obstacle.SCANNER_CRASH,
        )
        return None
    assert taken.size is not None  # noqa: S101  # sealed_is_whole guarantees both
    assert taken.sha256 is not None  # noqa: S101
    audit.record(uow, "upload.scanning", upload=taken)
    return Claim(taken.id, taken.epoch, taken.storage_key, taken.size, taken.sha256)


def renew(uow: UnitOfWork, held: Claim) -> bool:
    """Extend the lease; False when the claim is no longer ours."""
    return _write(uow, held, lease_until=_from_now(uow.settings.scan_lease))


def hand_back(uow: UnitOfWork, held: Claim, *, counted: bool) -> bool:
    """Let the upload wait again after a short rest; False when the claim is no longer ours.

    ``counted`` is false when the bundle cannot be to blame: the scanner was away.
    """
    mine = _write(
        uow,
        held,
        state=UploadState.SEALED,
        lease_until=_from_now(_REST),
        attempts=Upload.attempts if counted else Upload.attempts - 1,
    )
    if mine:
        audit.record(uow, "upload.waiting", upload=uow.session.get_one(Upload, held.upload_id))
    return mine


def record(uow: UnitOfWork, held: Claim, report: ScanReport, storage_version: str) -> bool:
    """Write the verdict; False when the claim is no longer ours and nothing was written.

    A report about other bytes than were sealed says that they were changed. None that says CLEAN
    is believed while the gate is closed: the upload waits on. ``storage_version`` is that of the
    object that was read; it becomes the upload's, which after a restore from a backup is another
    one with the same bytes.
    """
    if (report.sha256, report.size) != (held.sha256, held.size):
        return _changed(uow, held, report)
    verdict = report.verdict
    if verdict is Verdict.CLEAN and not gate.is_open(uow):
        hand_back(uow, held, counted=False)
        return False
    if not _write(uow, held, lease_until=None, storage_version=storage_version):
        return False
    upload = transition(
        uow,
        held.upload_id,
        UploadState(verdict),
        epoch=held.epoch,
        reason=report.reason,
        obstacle=report.obstacle,
    )
    uow.session.merge(
        Scan(
            upload_id=held.upload_id,
            verdict=verdict,
            storage_version=storage_version,
            findings=[asdict(finding) for finding in report.findings],
            members_total=report.members_total,
            members_scanned=report.members_scanned,
            bytes_expanded=report.bytes_expanded,
            bytes_scanned=report.bytes_scanned,
            windowed=report.windowed,
            complete=report.complete,
            engine=report.engine.name,
            signatures=report.engine.signatures,
            signatures_at=report.engine.signatures_at,
            seconds=report.seconds,
        )
    )
    notices.announce(uow, _EVENT[verdict], upload)
    return True


def _changed(uow: UnitOfWork, held: Claim, report: ScanReport) -> bool:
    """Say that the stored bytes are not those that were sealed."""
    log.error("stored_bytes_changed", upload_id=held.upload_id, read_sha256=report.sha256)
    if not _write(uow, held, lease_until=None):
        return False
    reason = "The stored bytes are not those that were received."
    upload = transition(uow, held.upload_id, UploadState.INTEGRITY_FAILED, epoch=held.epoch, reason=reason)
    notices.announce(uow, Event.UPLOAD_INTEGRITY_FAILED, upload)
    return True


def _write(uow: UnitOfWork, held: Claim, **values: object) -> bool:
    return (
        uow.session.execute(
            update(Upload)
            .where(
                Upload.id == held.upload_id,
                Upload.epoch == held.epoch,
                Upload.state == UploadState.SCANNING,
            )
            .values(**values)
            .returning(Upload.id)
        ).one_or_none()
        is not None
    )


def _from_now(seconds: float) -> ColumnElement[datetime]:
    return func.now() + timedelta(seconds=seconds)
