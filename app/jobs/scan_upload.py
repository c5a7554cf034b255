"""One scan, from claim to verdict."""

from uuid import UUID

from app.domain.errors import DependencyError, ScannerUnavailableError
from app.log import get_logger
from app.services.scanning import claims
from app.services.scanning.claims import Claim
from app.services.scanning.heartbeat import Heartbeat
from app.services.scanning.reading import read
from app.system import System

log = get_logger(__name__)


def scan_upload(system: System, upload_id: str) -> None:
    """Scan an upload unless it has its verdict or another worker has it.

    The scan runs between two short transactions, never inside one.
    """
    try:
        system.adapters.scanner.engine()
    except ScannerUnavailableError as error:
        log.warning("scanner_away", upload_id=upload_id, **error.context)
        return  # nothing is claimed; the scheduler rings again
    with system.work() as uow:
        claim = claims.claim(uow, UUID(upload_id))
    if claim is None:
        return
    try:
        with Heartbeat(lambda: _renew(system, claim), system.settings.scan_lease / 4.5):
            adapters = system.adapters
            report, version = read(adapters.storage, adapters.scanner, system.settings, claim.storage_key)
    except (DependencyError, OSError) as error:
        log.warning("scan_put_off", upload_id=upload_id, why=str(error), **getattr(error, "context", {}))
        # A scanner that went away over this very bundle may have died of it; a store that is
        # away, or a scanner that was away before, says nothing about the bundle.
        _hand_back(system, claim, counted=bool(getattr(error, "context", {}).get("in_stream")))
    except Exception:
        log.exception("scan_failed", upload_id=upload_id)
        _hand_back(system, claim, counted=True)
    else:
        with system.work() as uow:
            written = claims.record(uow, claim, report, version)
        log.info(
            "scan_done",
            upload_id=upload_id,
            verdict=report.verdict,
            written=written,
            seconds=report.seconds,
        )


def _renew(system: System, claim: Claim) -> bool:
    with system.work() as uow:
        return claims.renew(uow, claim)


def _hand_back(system: System, claim: Claim, *, counted: bool) -> None:
    with system.work() as uow:
        claims.hand_back(uow, claim, counted=counted)
