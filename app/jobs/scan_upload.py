"""One scan, from claim to verdict. It runs between two short transactions, never inside one."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Protocol
from uuid import UUID

from app import tracing
from app.domain.errors import DependencyError, NotFoundError, ScannerUnavailableError
from app.domain.lifecycle import UploadState
from app.domain.verdict import Engine, Obstacle, ScanReport, Verdict
from app.jobs import gatekeeping, letting_go, tagging
from app.log import get_logger
from app.ports import Settles, Storage
from app.services.engine import named
from app.services.scanning import claims, leases, rescans, verdicts
from app.services.scanning.heartbeat import Heartbeat, LeaseLostError, PreemptedError
from app.services.scanning.leases import Claim
from app.services.scanning.reading import read
from app.system import System
from app.uow import UnitOfWork

log = get_logger(__name__)

_LOOK_AROUND = 1.0  # seconds between two looks at whether somebody waits for the scanner


class _ChangedError(Exception):
    """The object is not the one that was acknowledged, and nothing but its version could tell."""


class _Ending(Protocol):
    """How a claim ends: `claims` for first scans, `rescans` for later ones."""

    def hand_back(self, uow: UnitOfWork, held: Claim, *, counted: bool) -> bool:
        """Give up without a verdict."""

    def hand_on(self, uow: UnitOfWork, held: Claim) -> None:
        """Give up for another worker to begin at once."""

    def record(self, uow: UnitOfWork, held: Claim, report: ScanReport, storage_version: str) -> bool:
        """Write the verdict."""


def scan_upload(system: System, upload_id: str) -> None:
    """Scan an upload unless it has its verdict or another worker has it."""
    engine = _scanner(system, upload_id)
    if engine is None:
        return
    with system.work() as uow:
        held = claims.claim(uow, UUID(upload_id), engine)
    if held:
        _scan(system, held, claims)


def rescan_upload(system: System, upload_id: str) -> None:
    """Scan an upload again if that is due, it is its turn, and no other worker has it."""
    engine = _scanner(system, upload_id)
    if engine is None:
        return
    with system.work() as uow:
        held = rescans.claim(uow, UUID(upload_id), engine)
    if held:
        _scan(system, held, rescans, lambda uow: rescans.gives_way(uow, held))


def _scanner(system: System, upload_id: str) -> Engine | None:
    """Ask who would scan; None when nobody would: nothing is claimed, and the scheduler rings again."""
    try:
        engine = system.adapters.scanner.engine()
        gatekeeping.prove_own(system, engine)
        return engine
    except ScannerUnavailableError as error:
        log.warning("scanner_away", upload_id=upload_id, **error.context)
        return None


def _still(system: System, engine: Engine) -> bool:
    """Whether the scanner is what it was before the scan; else nobody knows what it found with which."""
    try:
        return named(system.adapters.scanner.engine()) == named(engine)
    except ScannerUnavailableError:
        return False


def _scan(
    system: System,
    held: Claim,
    ending: _Ending,
    gives_way: Callable[[UnitOfWork], bool] | None = None,
) -> None:
    # A later scan, weeks after perhaps, is a trace of its own.
    sealing = held.trace if held.state is UploadState.SCANNING else None
    with tracing.span("scan upload", sealing, upload_id=str(held.upload_id), bytes=held.size) as span:
        span.note(verdict=_scan_and_end(system, held, ending, gives_way))


def _scan_and_end(
    system: System, held: Claim, ending: _Ending, gives_way: Callable[[UnitOfWork], bool] | None
) -> Verdict | None:
    """Return the verdict, if the claim ends with one."""
    try:
        with letting_go.at_the_latest(lambda: _hand_on(system, held, ending)):
            report, version = _read(system, held, gives_way)
    except letting_go.LetGoError:
        _hand_on(system, held, ending)
    except LeaseLostError:
        log.warning("lease_lost", upload_id=held.upload_id)
    except _ChangedError:
        with system.work() as uow:
            verdicts.changed(uow, held)
    except PreemptedError:
        log.info("scan_gave_way", upload_id=held.upload_id)
        _hand_back(system, held, ending, counted=False)
    except (DependencyError, OSError) as error:
        log.warning("scan_put_off", upload_id=held.upload_id, why=str(error), **getattr(error, "context", {}))
        # A scanner that went away over this very bundle may have died of it; a store that is
        # away, or a scanner that was away before, says nothing about the bundle.
        _hand_back(system, held, ending, counted=bool(getattr(error, "context", {}).get("in_stream")))
    except Exception:
        log.exception("scan_failed", upload_id=held.upload_id)
        _hand_back(system, held, ending, counted=True)
    else:
        if report.obstacle is Obstacle.SCANNER_ERROR and _scanner(system, str(held.upload_id)) is None:
            # It does not hang over this bundle alone.
            _hand_back(system, held, ending, counted=True)
            return None
        if not _still(system, report.engine):
            held = replace(held, gate=None)
        with tracing.span("write verdict"), system.work() as uow:
            written = ending.record(uow, held, report, version)
        tagging.tag_now(system, held.upload_id)  # never before: it would say what nobody has committed
        log.info(
            "scan_done",
            upload_id=held.upload_id,
            verdict=report.verdict,
            written=written,
            seconds=report.seconds,
        )
        return report.verdict
    return None


def _read(
    system: System, held: Claim, gives_way: Callable[[UnitOfWork], bool] | None
) -> tuple[ScanReport, str]:
    """Scan the stored object; stop early when the lease is lost, another goes first, or the worker ends.

    Raises:
        LeaseLostError, PreemptedError, LetGoError, _ChangedError: so it was.
        Exception: what `read` raises.
    """

    def renew() -> bool:
        with system.work() as uow:
            return leases.renew(uow, held)

    def goes_on() -> bool:
        with system.work() as uow:
            return gives_way is None or not gives_way(uow)

    with ExitStack() as stack:
        beats = [stack.enter_context(Heartbeat(renew, system.settings.scan_lease / 4.5))]
        if gives_way:
            beats.append(stack.enter_context(Heartbeat(goes_on, _LOOK_AROUND, PreemptedError)))

        def watch() -> None:
            letting_go.watch()
            for beat in beats:
                beat.watch()

        adapters = system.adapters
        storage = adapters.store(held.storage_name)
        settled = _settle(system, storage, held)
        watch()
        report, version = read(
            storage,
            adapters.scanner,
            system.settings,
            held.storage_key,
            watch=watch,
            known=lambda: tagging.known(system, held.upload_id),
        )
        if held.sha256 is None and version != settled:
            raise _ChangedError
        return report, version


def _settle(system: System, storage: Storage, held: Claim) -> str:
    """Put the object out of its sender's reach, where the store has such a place; return its version.

    Raises:
        LeaseLostError: another has the bundle now.
        NotFoundError: nothing is there.
        _ChangedError: another object is, and no SHA-256 could say that its bytes are the same.
    """
    if not isinstance(storage, Settles):
        return held.storage_version
    try:
        version = storage.settle(held.storage_key, held.storage_version)
    except NotFoundError:
        if held.sha256 is not None:
            return held.storage_version  # restored from a backup, perhaps: its SHA-256 will tell
        storage.open(held.storage_key)[0].close()
        raise _ChangedError from None
    if version != held.storage_version:
        with system.work() as uow:
            if not leases.write(uow, held, {"storage_version": version, "tagged": None}):
                raise LeaseLostError
    return version


def _hand_on(system: System, held: Claim, ending: _Ending) -> None:
    with system.work() as uow:
        ending.hand_on(uow, held)
    log.info("scan_handed_on", upload_id=held.upload_id)


def _hand_back(system: System, held: Claim, ending: _Ending, *, counted: bool) -> None:
    with system.work() as uow:
        ending.hand_back(uow, held, counted=counted)
