"""Second scans by hand, step by step."""

from app.domain.lifecycle import UploadState
from app.domain.policy import SYSTEM, Actor
from app.domain.verdict import Engine, Finding, Obstacle, ScanReport, Verdict
from app.models import Upload
from app.services.scanning import rescans
from app.services.scanning.leases import Claim
from app.system import System
from tests.factories.uploads import make_upload, tested_as
from tests.integration.looking import fresh

NEWER = Engine("ClamAV 1.4.6", "27451")
FOUND = (Finding("a/b", "Win.Trojan"),)


def ask(system: System, upload: Upload, actor: Actor = SYSTEM) -> None:
    with system.work(actor) as uow:
        rescans.ask(uow, upload.id)


def claim(system: System, upload: Upload) -> Claim | None:
    with tested_as(system, NEWER), system.work() as uow:
        return rescans.claim(uow, upload.id, NEWER)


def held(system: System, sender: Actor, state: UploadState) -> Claim:
    """Take an upload to ``state`` and begin its second scan."""
    upload = make_upload(system, sender, state)
    ask(system, upload)
    taken = claim(system, upload)
    assert taken is not None
    assert fresh(system, upload.id).state is state, "it stays what it is meanwhile"
    return taken


def report_on(
    taken: Claim, verdict: Verdict, *, complete: bool = True, obstacle: Obstacle | None = None
) -> ScanReport:
    return ScanReport(
        verdict,
        NEWER,
        taken.sha256 or "",
        taken.size,
        reason="It is too large." if verdict is Verdict.UNSCANNABLE else None,
        obstacle=obstacle,
        findings=FOUND if verdict is Verdict.INFECTED else (),
        complete=complete,
    )


def record(system: System, taken: Claim, report: ScanReport) -> bool:
    with tested_as(system, NEWER), system.work() as uow:
        return rescans.record(uow, taken, report, "7-1-2")
