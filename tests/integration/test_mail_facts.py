"""What the health page says of mails: what counts, and that it looks no further than it must."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from sqlalchemy import Connection, event, func, text
from sqlalchemy.orm import Session

from app.domain.events import Event
from app.models import Delivery
from app.queries import health
from app.system import System


def letter(**values: object) -> Delivery:
    return Delivery(
        event=Event.GATE_OPENED, recipient="x@example.com", dedupe_key=uuid4().hex, told={}, **values
    )


def test_what_was_overtaken_is_not_given_up(system: System) -> None:
    """However often it had failed until then."""
    with system.work() as uow:
        dead = {"dead_at": func.now(), "failures": 3, "attempts": 3}
        long_ago = func.now() - text("interval '25 hours'")
        uow.session.add_all(
            [letter(**dead), letter(**dead, overtaken=True), letter(**dead | {"dead_at": long_ago})]
        )
        uow.session.add_all([letter(dead_at=func.now()), letter(dead_at=func.now())])  # refused for good
        uow.session.flush()
        assert health.mail(uow.session).given_up == 3


@contextmanager
def plans(session: Session) -> Iterator[list[str]]:
    """Give how each statement from now on is done."""
    found: list[str] = []

    def explain(
        connection: Connection,
        _cursor: object,
        statement: str,
        given: object,
        _context: object,
        _many: object,
    ) -> None:
        if statement.startswith("SELECT"):
            plan = connection.exec_driver_sql(f"EXPLAIN {statement}", given).scalars()  # type: ignore[arg-type]
            found.append("\n".join(plan))

    connection = session.connection()
    event.listen(connection, "before_cursor_execute", explain)
    yield found
    event.remove(connection, "before_cursor_execute", explain)


def test_it_looks_along_the_indexes_of_what_is_open_or_dead(system: System) -> None:
    """Among 20,000 messages that went, most of them to channels."""
    with system.work() as uow:
        uow.session.execute(
            text(
                "INSERT INTO delivery (id, event, recipient, dedupe_key, sent_at, created_at, attempts)"
                " SELECT gen_random_uuid(), 'upload.clean', 'x@example.com', number, now(),"
                " now() - number * interval '1 minute', 1 FROM generate_series(1, 20000) AS number"
            )
        )
        uow.session.execute(text("SET LOCAL enable_seqscan = off"))  # the planner knows of no rows here
        with plans(uow.session) as found:
            health.mail(uow.session)
    assert len(found) == 4
    assert sum("ix_delivery_created_at_id" in plan for plan in found) == 1
    assert sum("ix_delivery_dead" in plan for plan in found) == 1
    assert sum("ix_delivery_due" in plan for plan in found) == 2
