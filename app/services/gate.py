"""The gate: nothing turns clean unless the scanner has lately proven that it finds what it must."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.domain.events import Event
from app.domain.lifecycle import UploadState
from app.domain.payloads import ServiceFacts
from app.domain.verdict import Engine
from app.log import get_logger
from app.models import Gate, Scan, ScannerTest, Upload
from app.queries.gate import GOOD_FOR, NOT_YET
from app.services import audit, notices, scanners
from app.services.engine import doubts, named
from app.uow import UnitOfWork

log = get_logger(__name__)

# Seconds from one probe to the next.
_EVERY = timedelta(minutes=10)
_EVERY_WHILE_CLOSED = timedelta(seconds=15)
#: After this a probe that has not ended was begun by somebody who died.
_PATIENCE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Probe:
    """One test of the scanner. ``detail`` says in a sentence for people what went wrong.

    ``missed``: it called clean what is not, so what else it called clean lately is in doubt.
    """

    name: str
    passed: bool
    detail: str = ""
    missed: bool = False
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Begun:
    """A test of the scanner that is under way: when it began, and when the last one had that it passed."""

    at: datetime
    passed_at: datetime | None


def is_open(uow: UnitOfWork) -> bool:
    """Whether anything may turn clean now; nobody closes the gate before this unit of work ends.

    One that nobody has tested for too long counts as closed until the next test.
    """
    return uow.session.scalar(_opened()) is not None


def opened_at(uow: UnitOfWork, engine: Engine) -> datetime | None:
    """Return since when the gate is open for what scans here, None while it is closed; see `is_open`.

    It never is for a process whose own scanner has not lately passed, whatever others have proven of theirs,
    nor for an ``engine`` with other signatures than were tested.
    """
    return uow.session.scalar(_opened().where(scanners.proven(uow.settings, engine)))


def _opened() -> Select[datetime]:
    opened = select(Gate.changed_at).where(Gate.id == 1, Gate.open, Gate.probed_at > func.now() - GOOD_FOR)
    return opened.with_for_update(read=True, of=Gate)


def stayed_open(uow: UnitOfWork, since: datetime | None, engine: Engine) -> bool:
    """Whether the gate that was `opened_at` then was not closed meanwhile: see `is_open`.

    A scan during which it was closed proves nothing, though it be open again; nor does one by another
    ``engine`` than was tested.
    """
    return since is not None and opened_at(uow, engine) == since


def begin(uow: UnitOfWork) -> Begun:
    """Note that a probe of this process's scanner begins now."""
    mine, now = scanners.locked(uow), _now(uow)
    mine.probing_since = now
    return Begun(now, _passed_at(uow, mine))


def begin_if_due(uow: UnitOfWork, engine: Engine) -> Begun | None:
    """Begin a probe if it is time for one. None when it is not, or one of this scanner is under way.

    Each scanner has its own time. One that is well need not hurry while another keeps the gate closed.
    """
    mine, now = scanners.locked(uow), _now(uow)
    if mine.probing_since and mine.probing_since > now - _PATIENCE:
        return None
    opened = uow.session.scalar(select(Gate.open).where(Gate.id == 1))
    calm = mine.failed is None and (opened or scanners.failing(uow) is not None)
    pause = _EVERY if calm else _EVERY_WHILE_CLOSED
    if mine.tested_at and mine.tested_at > now - pause and mine.engine == named(engine):
        return None
    return begin(uow)


def give_up(uow: UnitOfWork, begun: Begun) -> None:
    """Note that a probe came to nothing, so that the next need not wait for it."""
    scanners.end(scanners.locked(uow), begun.at)


def conclude(uow: UnitOfWork, begun: Begun, engine: Engine, probes: Sequence[Probe]) -> None:
    """Judge by what a probe has shown; open or close the gate.

    One of the same scanner that began later knows better how it is now, and nothing of how it was.
    """
    gate = _locked(uow)
    missed = any(probe.missed for probe in probes)
    if missed:
        _doubt_since(uow, begun.passed_at)
    mine = scanners.locked(uow)
    if mine.tested_at and begun.at < mine.tested_at:
        scanners.end(mine, begun.at)
        if missed and gate.open:
            gate.changed_at = _now(uow)  # a scan that is under way was begun before that was known
        return
    failed = next((probe.detail for probe in probes if not probe.passed), None)
    report(uow, probes, named(engine), failed or doubts(uow, engine), began=begun.at)


def close(uow: UnitOfWork, reason: str) -> None:
    """Close the gate without a probe. ``reason`` is a sentence for people."""
    _turn(uow, _locked(uow), reason)


def report(
    uow: UnitOfWork,
    probes: Sequence[Probe],
    signatures: str,
    closed_because: str | None,
    *,
    began: datetime | None = None,
) -> None:
    """Write down what the scanner was found to do; open or close the gate, and tell if that is news.

    ``signatures`` names engine and signatures; ``closed_because`` is a sentence for people, None
    to open. It stays closed while another scanner that is in use fails.
    """
    gate = _locked(uow)
    began = began or _now(uow)
    passed_at = _passed_at(uow, scanners.locked(uow))
    if all(probe.passed for probe in probes):
        gate.passed_at = passed_at = began
    scanners.note(uow, signatures, began, passed_at, closed_because)
    another = None if closed_because else scanners.failing(uow)
    _turn(uow, gate, closed_because or another)
    gate.probed_at = max(gate.probed_at or began, began)
    gate.signatures = signatures
    if another is None:  # else the tests of that one are to be read
        gate.probes = [asdict(probe) for probe in probes]


def _turn(uow: UnitOfWork, gate: Gate, reason: str | None) -> None:
    """Open or close it. A closing is told once, however its reason changes until it opens again."""
    is_new = gate.reason == NOT_YET
    was_open, is_now = gate.open, reason is None
    if not (is_now or was_open or gate.reason == reason or is_new):
        log.warning("gate_still_closed", why=reason)
    gate.open, gate.reason = is_now, reason
    if is_now is was_open and not is_new:
        return
    gate.changed_at = moment = _now(uow)
    audit.record(uow, "gate.opened" if is_now else "gate.closed", reason=reason)
    if is_now:
        log.info("gate_opened")
    else:
        log.error("gate_closed", why=reason)
    if not (is_new and is_now):  # a new installation opening is no news
        event = Event.GATE_OPENED if is_now else Event.GATE_CLOSED
        notices.announce(
            uow,
            event,
            payload=ServiceFacts(name="virus check", reason=reason),
            occasion=str(moment),
            told={"reason": reason},
        )


def _doubt_since(uow: UnitOfWork, moment: datetime | None) -> None:
    """Ask a second scan for all that was proven since ``moment``, after which the scanner failed.

    Ready bundles stay so until then. Of infected ones nothing is given out any more: that all but what was
    found is clean is believed again when it is proven again.
    """
    scanned = select(Scan.upload_id).where(*([Scan.scanned_at >= moment] if moment else []))
    doubted = uow.session.scalars(
        update(Upload)
        .where(Upload.state == UploadState.CLEAN, Upload.rescan_asked_at.is_(None), Upload.id.in_(scanned))
        .values(rescan_asked_at=func.now())
        .returning(Upload.id)
    ).all()
    in_part = uow.session.scalars(
        update(Upload)
        .where(Upload.state == UploadState.INFECTED, Upload.id.in_(scanned.where(Scan.complete)))
        .values(rescan_asked_at=func.coalesce(Upload.rescan_asked_at, func.now()), tagged=None)
        .returning(Upload.id)
    ).all()
    uow.session.execute(update(Scan).where(Scan.upload_id.in_(in_part)).values(complete=False))
    if count := len(doubted) + len(in_part):
        audit.record(uow, "gate.rescans_asked", count=count, since=moment and moment.isoformat())


def _passed_at(uow: UnitOfWork, mine: ScannerTest) -> datetime | None:
    """Return when this scanner last passed; of one that was never tested, when any did."""
    if mine.tested_at:
        return mine.passed_at
    return uow.session.scalar(select(Gate.passed_at).where(Gate.id == 1))


def _locked(uow: UnitOfWork) -> Gate:
    """Return the row, made if need be, for this unit of work alone."""
    values = {"id": 1, "open": False, "reason": NOT_YET, "probes": []}
    uow.session.execute(insert(Gate).values(values).on_conflict_do_nothing())
    locked = select(Gate).where(Gate.id == 1).with_for_update().execution_options(populate_existing=True)
    return uow.session.scalars(locked).one()


def _now(uow: UnitOfWork) -> datetime:
    return uow.session.scalars(select(func.now())).one()
