"""Cases are found by their words without a look at every one of them."""

from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from app.domain.policy import SYSTEM
from app.queries import cases
from app.queries.cases import CaseFilters
from app.system import System
from tests.factories.people import make_actor

_MANY = """
INSERT INTO support_case (id, organisation_id, reference, title)
SELECT gen_random_uuid(), :home, 'CS-' || number, 'Node ' || md5(number::text)
FROM generate_series(1, 5000) AS number
"""


def found(system: System, words: str) -> tuple[list[str], str]:
    """Return the references of the cases with these words, and how the database went about it."""
    asked: list[tuple[str, Any]] = []
    with system.work() as uow:
        connection = uow.session.connection()
        note = lambda _connection, _cursor, statement, given, *_: asked.append((statement, given))  # noqa: E731
        event.listen(connection, "before_cursor_execute", note)
        page = cases.page(uow.session, SYSTEM, CaseFilters(q=words))
        event.remove(connection, "before_cursor_execute", note)
        statement, given = asked[0]
        plan = connection.exec_driver_sql(f"EXPLAIN {statement}", given).scalars()
        return [row.case.reference for row in page.items], "\n".join(plan)


@pytest.mark.parametrize("words", ["cs-4711", "NODE CS-4711", "s-4711"])
def test_an_index_finds_cases(system: System, session: Session, words: str) -> None:
    home = make_actor(system).organisation_id
    session.execute(text(_MANY), {"home": home})
    # as autovacuum does, by and by
    session.execute(text("SELECT gin_clean_pending_list('ix_support_case_search')"))
    session.execute(text("ANALYZE support_case"))
    session.commit()
    references, plan = found(system, words)
    assert references == ["CS-4711"]
    assert "ix_support_case_search" in plan, plan
