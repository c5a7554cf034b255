"""The first scan of a bundle: who does it, and whose verdict is written."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from app.domain.events import Event
from app.domain.jobs import first_scan
from app.domain.lifecycle import UploadState
from app.domain.verdict import Engine, Obstacle, ScanReport, Verdict
from app.models import Upload
from app.services import audit, gate, notices
from app.services.lifecycle import transition
from app.services.scanning import leases, verdicts
from app.services.scanning.leases import Claim
from app.uow import UnitOfWork

EVENT = {
    Verdict.CLEAN: Event.UPLOAD_CLEAN,
    Verdict.INFECTED: Event.UPLOAD_INFECTED,
    Verdict.UNSCANNABLE: Event.UPLOAD_UNSCANNABLE,
}


def unjudged() -> ColumnElement[bool]:
    """It is whole, and no scan has said anything of it yet."""
    return Upload.state.in_([UploadState.SEALED, UploadState.SCANNING])


def waiting(uow: UnitOfWork, waited: int, limit: int, *, large: bool) -> Sequence[UUID]:
    """Return what anybody may claim and has been so for ``waited`` seconds, the longest first.

    ``large`` says of which of the two queues.
    """
    over = Upload.size > uow.settings.scan_large_bytes
    return uow.session.scalars(
        select(Upload.id)
        .where(unjudged(), leases.free(), Upload.active_at <= leases.from_now(-waited))
        .where(over if large else ~over)
        .order_by(Upload.active_at)
        .limit(limit)
    ).all()


def claim(uow: UnitOfWork, upload_id: UUID, scanner: Engine) -> Claim | None:
    """Take the upload for scanning; None when there is nothing to do or another has it.

    ``scanner`` is the engine that would do it. An upload whose scans ended without a verdict too often
    becomes UNSCANNABLE here. While the gate is closed, or this engine is not proven, nothing is claimed.
    """
    opened = gate.opened_at(uow, scanner)
    if opened is None:
        return None
    taken = leases.take(uow, upload_id, unjudged(), state=UploadState.SCANNING, active_at=func.now())
    if taken is None:
        return None
    upload, held = taken
    if held.attempts > uow.settings.scan_attempts:
        crashed = transition(
            uow,
            upload_id,
            UploadState.UNSCANNABLE,
            epoch=held.epoch,
            lease_until=None,
            reason=f"The scanner stopped {uow.settings.scan_attempts} times while checking this bundle.",
            obstacle=Obstacle.SCANNER_CRASH,
        )
        notices.announce(uow, Event.UPLOAD_UNSCANNABLE, crashed)
        return None
    audit.record(uow, "upload.scanning", upload=upload)
    return replace(held, gate=opened)


def hand_back(uow: UnitOfWork, held: Claim, *, counted: bool, seconds: float = leases.REST_SECONDS) -> bool:
    """Let the upload wait again after a short rest; False when the claim is no longer ours.

    ``counted`` is false when the bundle cannot be to blame: the scanner was away.
    """
    mine = leases.rest(uow, held, counted=counted, seconds=seconds, state=UploadState.SEALED)
    if mine:
        audit.record(uow, "upload.waiting", upload=uow.session.get_one(Upload, held.upload_id))
    return mine


def hand_on(uow: UnitOfWork, held: Claim) -> None:
    """Let another worker begin at once: nothing hinders the scan but that this one must stop."""
    if hand_back(uow, held, counted=False, seconds=0):
        uow.enqueue(first_scan(held.size, uow.settings.scan_large_bytes), str(held.upload_id))


def record(uow: UnitOfWork, held: Claim, report: ScanReport, storage_version: str) -> bool:
    """Write the verdict; False when the claim is no longer ours and nothing was written.

    A report about other bytes than were sealed says that they were changed. While the gate is
    closed only a virus is believed, and not that the rest was clean: otherwise the upload waits on.
    """
    if not verdicts.is_of(report, held):
        return verdicts.changed(uow, held, report.sha256)
    report = verdicts.as_announced(report, held)
    proven = gate.stayed_open(uow, held.gate, report.engine)
    if report.verdict is not Verdict.INFECTED and not proven:
        hand_back(uow, held, counted=False)
        return False
    if not verdicts.settle(uow, held, report, storage_version, proven=proven):
        return False
    upload = verdicts.judge(uow, held, report)
    notices.announce(uow, EVENT[report.verdict], upload)
    return True
