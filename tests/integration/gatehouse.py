"""Looking at the gate of a product in this process, and letting time pass for it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select, update

from app.domain.events import Event
from app.domain.policy import Role
from app.domain.verdict import Engine, StreamResult, StreamVerdict
from app.jobs import gatekeeping
from app.models import AuditChain, AuditEvent, Delivery, EngineStatus, Gate, ScannerTest
from app.queries import gate as gate_query
from app.queries.gate import GateStatus
from app.system import System
from tests.factories.eicar import eicar
from tests.factories.mailbox import spread_all
from tests.factories.people import make_account
from tests.factories.probing import teach
from tests.fakes import FakeScanner

MISSED = "The scanner did not find the test virus in a bundle."
ERROR = StreamVerdict(StreamResult.ERROR, "no room ERROR")
NOW = datetime.now(UTC)


class Dated(FakeScanner):
    """A scanner that would pass, with signatures of a version."""

    def __init__(self, version: int) -> None:
        super().__init__()
        self.version = version
        teach(self)

    def engine(self) -> Engine:
        super().engine()
        return Engine("Fake 1.0", str(self.version), NOW + timedelta(hours=self.version - 100))


def never_tested(system: System, scanner: FakeScanner) -> System:
    """Give a product with an admin, in which nothing was ever tested, and a scanner that would pass."""
    teach(scanner)
    with system.work() as uow:
        uow.session.execute(delete(Gate))
        uow.session.execute(delete(ScannerTest))
    with system.database.sessions() as session:  # as the owner: the portal cannot
        session.execute(delete(AuditChain))
        session.execute(delete(AuditEvent))
        session.commit()
    make_account(system, Role.ADMIN)
    return replace(system, settings=system.settings.model_copy(update={"probe_padding_bytes": 100_000}))


def status(system: System) -> GateStatus:
    with system.work() as uow:
        return gate_query.current(uow.session)


def later(system: System, seconds: float) -> None:
    """Let so much time pass for the gate and what is known of the engine."""
    ago = timedelta(seconds=seconds)
    with system.work() as uow:
        uow.session.execute(update(Gate).values(probed_at=Gate.probed_at - ago))
        for moment in (ScannerTest.tested_at, ScannerTest.ended_at, ScannerTest.probing_since):
            uow.session.execute(update(ScannerTest).values({moment: moment - ago}))
        uow.session.execute(update(EngineStatus).values(seen_at=EngineStatus.seen_at - ago))


def tend_later(system: System, seconds: float = 601) -> GateStatus:
    later(system, seconds)
    gatekeeping.tend_gate(system)
    return status(system)


def told(system: System) -> list[tuple[Event, str | None]]:
    """Return what was put into the outbox about the gate, in order."""
    spread_all(system)
    with system.work() as uow:
        rows = uow.session.scalars(
            select(Delivery).where(Delivery.upload_id.is_(None)).order_by(Delivery.created_at)
        )
        return [(row.event, row.told.get("reason")) for row in rows]


def gate_deeds(system: System) -> list[AuditEvent]:
    with system.work() as uow:
        of_gate = AuditEvent.action.like("gate.%")
        return list(uow.session.scalars(select(AuditEvent).where(of_gate).order_by(AuditEvent.id)))


def blind(scanner: FakeScanner) -> None:
    """Let the scanner call the test virus clean."""
    scanner.answers.pop(eicar(), None)
