"""The gate: nothing turns clean unless the scanner has lately proven that it finds what it must."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from app.domain.events import Event
from app.log import get_logger
from app.models import Gate
from app.services import audit, notices
from app.uow import UnitOfWork

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Probe:
    """One test of the scanner. ``detail`` says in a sentence for people what went wrong."""

    name: str
    passed: bool
    detail: str = ""


def is_open(uow: UnitOfWork) -> bool:
    """Whether anything may turn clean now; nobody closes the gate before this unit of work ends."""
    return bool(uow.session.scalar(select(Gate.open).where(Gate.id == 1).with_for_update(read=True)))


def report(uow: UnitOfWork, probes: Sequence[Probe], signatures: str, closed_because: str | None) -> None:
    """Write down what the scanner was found to do; open or close the gate, and tell if that is news.

    ``signatures`` names engine and signatures; ``closed_because`` is a sentence for people, None
    to open.
    """
    before = uow.session.scalar(select(Gate).where(Gate.id == 1).with_for_update())
    was_open = before.open if before else None
    is_now = closed_because is None
    values = {
        "open": is_now,
        "reason": closed_because,
        "signatures": signatures,
        "probes": [asdict(probe) for probe in probes],
        "probed_at": func.now(),
        **({"changed_at": func.now()} if is_now is not was_open else {}),
    }
    uow.session.execute(
        insert(Gate).values(id=1, **values).on_conflict_do_update(index_elements=["id"], set_=values)
    )
    if is_now is was_open:
        return
    action = "gate.opened" if is_now else "gate.closed"
    audit.record(uow, action, reason=closed_because)
    (log.info if is_now else log.error)(action.replace(".", "_"), why=closed_because)
    if was_open is not None or not is_now:  # a new installation opening is no news
        moment = str(uow.session.scalar(select(func.now())))
        event = Event.GATE_OPENED if is_now else Event.GATE_CLOSED
        notices.announce(uow, event, occasion=moment, reason=closed_because)
