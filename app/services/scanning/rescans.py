"""Scanning again what has a verdict. The state stays what it is until another one is proven.

People ask for it (`ask`, noted in the row), and newer signatures do: then every ready bundle of
the last days is due, the newest first, as long as nobody waits for the scanner.
"""

from dataclasses import replace
from uuid import UUID

from sqlalchemy import exists, func, or_, select

from app.domain.errors import StateConflictError
from app.domain.events import Event
from app.domain.jobs import JobName
from app.domain.lifecycle import RESCANNABLE, UploadState
from app.domain.verdict import Engine, Obstacle, ScanReport, Verdict
from app.log import get_logger
from app.models import Upload
from app.queries import engine
from app.services import audit, gate, notices
from app.services.lifecycle import locked, written
from app.services.scanning import due, leases, recall, verdicts
from app.services.scanning.claims import EVENT
from app.services.scanning.leases import Claim
from app.uow import UnitOfWork

log = get_logger(__name__)

# What the bundle itself is like, and no mood of the scanner's: it was called ready by mistake.
_OF_THE_BUNDLE = frozenset({Obstacle.ENCRYPTED, Obstacle.TOO_DEEP, Obstacle.MALFORMED, Obstacle.DAMAGED})


def ask(uow: UnitOfWork, upload_id: UUID) -> Upload:
    """Ask for a second scan on the actor's behalf; asked twice, it is done once. Return the upload.

    Raises:
        NotFoundError: absent, or not visible to the actor.
        StateConflictError: no scan has said anything of it yet, or it is gone.
    """
    upload = locked(uow, upload_id)
    if upload.state not in RESCANNABLE:
        raise StateConflictError("Only files that were scanned can be scanned again.", state=upload.state)
    if upload.rescan_asked_at is None:
        upload.rescan_asked_at = func.now()
        audit.record(uow, "upload.rescan_asked", upload=upload)
    uow.enqueue(JobName.RESCAN_UPLOAD, str(upload_id))
    return written(uow, upload)


def claim(uow: UnitOfWork, upload_id: UUID, scanner: Engine) -> Claim | None:
    """Take the upload for a second scan; None when it is not due, not its turn, or another has it.

    ``scanner`` is the engine that would do it: one that has not loaded the newer signatures yet is
    of no use. A bundle whose second scans ended without a verdict too often is left as it is. While
    the gate is closed nothing is claimed.
    """
    opened = gate.opened_at(uow, scanner)
    if opened is None:
        return None
    wanted = due.asked()
    newest = _newest_edition(uow)
    if verdicts.edition(scanner) == newest and not due.others_first(uow):
        wanted = or_(wanted, due.outdated(uow, newest))
    taken = leases.take(uow, upload_id, wanted)
    if taken is None:
        return None
    _, held = taken
    if held.attempts > uow.settings.scan_attempts:
        _fail(uow, held, f"The second scan broke off {uow.settings.scan_attempts} times.")
        return None
    return replace(held, gate=opened)


def gives_way(uow: UnitOfWork, held: Claim) -> bool:
    """Whether somebody waits for the scanner, while nobody waits for this scan."""
    wanted = exists().where(Upload.id == held.upload_id, due.asked())
    return not uow.session.scalar(select(wanted)) and due.others_first(uow)


def hand_back(uow: UnitOfWork, held: Claim, *, counted: bool) -> bool:
    """Let the scan wait again after a short rest; False when the claim is no longer ours."""
    return leases.rest(uow, held, counted=counted)


def hand_on(uow: UnitOfWork, held: Claim) -> None:
    """Let another worker begin at once: nothing hinders the scan but that this one must stop."""
    if leases.rest(uow, held, counted=False, seconds=0):
        uow.enqueue(JobName.RESCAN_UPLOAD, str(held.upload_id))


def record(uow: UnitOfWork, held: Claim, report: ScanReport, storage_version: str) -> bool:
    """Write what the second scan said; False when the claim is no longer ours or the gate is closed.

    Only proof changes a verdict: a scan that did not come to its end leaves all as it is. One that may
    have overlooked something is believed what is news: that there is a virus.
    """
    if not verdicts.is_of(report, held):
        return verdicts.changed(uow, held, report.sha256)
    report = verdicts.as_announced(report, held)
    if shortcoming := _shortcoming(held, report):
        return _fail(uow, held, shortcoming)
    proven = gate.stayed_open(uow, held.gate, report.engine)
    no_news = report.verdict is Verdict.CLEAN or UploadState(report.verdict) is held.state
    if no_news and not proven:
        hand_back(uow, held, counted=False)
        return False
    if not verdicts.settle(uow, held, report, storage_version, proven=proven):
        return False
    if UploadState(report.verdict) is held.state:
        leases.write(uow, held, {"reason": report.reason, "obstacle": report.obstacle})
        upload = uow.session.get_one(Upload, held.upload_id, populate_existing=True)
        audit.record(uow, "upload.rescanned", upload=upload, signatures=report.engine.signatures)
    else:
        _flip(uow, held, report)
    return True


def _shortcoming(held: Claim, report: ScanReport) -> str | None:
    """Say why a scan changes nothing, in a sentence for people."""
    doubtful = report.verdict is Verdict.UNSCANNABLE
    if doubtful and (
        held.state is UploadState.INFECTED
        or report.obstacle is Obstacle.SCANNER_ERROR
        or (held.state is UploadState.CLEAN and report.obstacle not in _OF_THE_BUNDLE)
    ):
        return report.reason or "The scan came to no verdict."
    if report.verdict is Verdict.CLEAN and not report.complete:
        return "The scan did not reach every byte."
    return None


def _fail(uow: UnitOfWork, held: Claim, why: str) -> bool:
    """Leave everything as it is, and do not try again with these signatures."""
    values = {"lease_until": None, "rescan_asked_at": None, "scanned_for": _newest_edition(uow)}
    if not leases.write(uow, held, values):
        return False
    log.warning("rescan_failed", upload_id=held.upload_id, why=why)
    audit.record(uow, "upload.rescan_failed", upload=uow.session.get_one(Upload, held.upload_id), reason=why)
    return True


def _flip(uow: UnitOfWork, held: Claim, report: ScanReport) -> None:
    """Change the verdict, and tell. Whoever fetched what is infected is named to those who must act."""
    upload = verdicts.judge(uow, held, report)
    infected = report.verdict is Verdict.INFECTED
    recalled = infected and held.state is UploadState.CLEAN
    event = Event.UPLOAD_RECALLED if recalled else EVENT[report.verdict]
    told = {}
    if infected:
        told = {"downloaded_by": recall.downloaded_by(uow, upload)}
    notices.announce(uow, event, upload, occasion=f"scan {held.epoch}", told=told)


def _newest_edition(uow: UnitOfWork) -> str:
    current = engine.current(uow.session)
    return verdicts.edition(current) if current else ""
