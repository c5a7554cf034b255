"""Numbers for operators, read from the rows, so that they are right whichever process is asked."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.domain.lifecycle import UploadState
from app.models import Delivery, Scan, Upload
from app.queries import gate
from app.queries.gate import GateStatus


@dataclass(frozen=True, slots=True)
class Figures:
    """``sealed_bytes``, ``scan_seconds``: sums over all time; ages in seconds."""

    uploads: dict[UploadState, int]
    received_bytes: int
    scanned_bytes: int
    scan_seconds: float
    oldest_waiting: float
    deliveries: dict[str, int]
    gate: GateStatus


def figures(session: Session) -> Figures:
    """Count everything."""
    by_state = session.execute(select(Upload.state, func.count()).group_by(Upload.state)).all()
    scans = session.execute(
        select(func.coalesce(func.sum(Scan.bytes_scanned), 0), func.coalesce(func.sum(Scan.seconds), 0.0))
    ).one()
    waiting = [UploadState.SEALED, UploadState.SCANNING]
    oldest = func.extract("epoch", func.now() - func.min(Upload.sealed_at))
    open_ = func.count().filter(Delivery.sent_at.is_(None), Delivery.dead_at.is_(None))
    mails = session.execute(select(func.count(Delivery.sent_at), func.count(Delivery.dead_at), open_)).one()
    return Figures(
        uploads=dict.fromkeys(UploadState, 0) | dict(by_state),
        received_bytes=int(session.scalar(select(func.coalesce(func.sum(Upload.size), 0))) or 0),
        scanned_bytes=int(scans[0]),
        scan_seconds=float(scans[1]),
        oldest_waiting=float(session.scalar(select(oldest).where(Upload.state.in_(waiting))) or 0.0),
        deliveries={"sent": mails[0], "dead": mails[1], "waiting": mails[2]},
        gate=gate.current(session),
    )
