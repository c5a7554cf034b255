"""T13: what the portal's roles cannot do to the trail, whatever statement they get to run."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.cli.dev.postgres import portal_url
from app.db import Database
from app.services import audit
from app.system import System
from tests.factories.people import make_organisation
from tests.integration.trail import audited, positions

STATEMENTS = (
    "UPDATE audit_event SET actor_label = 'nobody'",
    "DELETE FROM audit_event",
    "TRUNCATE audit_event CASCADE",
    "INSERT INTO audit_chain SELECT max(position) + 1, 1, '' FROM audit_chain",
    "UPDATE audit_chain SET hash = ''",
    "DELETE FROM audit_chain",
    "TRUNCATE audit_chain",
    "SELECT audit_append(audit_event) FROM audit_event LIMIT 1",
    "CREATE TEMP TABLE t (a int); CREATE TRIGGER c AFTER INSERT ON t EXECUTE FUNCTION audit_chain_row()",
    "ALTER TABLE audit_event DISABLE TRIGGER chain",
    "SET session_replication_role = replica",
    "DROP TRIGGER chain ON audit_event",
    "CREATE OR REPLACE FUNCTION audit_append(event audit_event) RETURNS void LANGUAGE sql AS ''",
    "CREATE FUNCTION public.sha256(text) RETURNS bytea LANGUAGE sql AS 'SELECT NULL'",
    "SET ROLE pg_database_owner",
)


@pytest.fixture
def portal(committed: System) -> Iterator[Database]:
    """Give the database as the portal comes to it: with a login that owns nothing."""
    database = Database.connect(portal_url(committed.settings.database_url.get_secret_value()))
    yield database
    database.engine.dispose()


@pytest.mark.parametrize("organisation_id", [None, uuid4()], ids=["staff", "tenant"])
def test_the_portal_can_only_add(committed: System, portal: Database, organisation_id: UUID | None) -> None:
    audited(committed, 2)
    before = positions(committed)
    for statement in STATEMENTS:
        with (
            pytest.raises(DBAPIError, match=r"permission denied|must be owner"),
            portal.transaction(organisation_id) as session,
        ):
            session.execute(text(statement))
    assert positions(committed) == before


def test_the_login_itself_may_do_nothing(committed: System, portal: Database) -> None:
    """And neither role becomes more by giving itself back."""
    for statement in ("SELECT * FROM audit_event", *STATEMENTS):
        with (
            pytest.raises(DBAPIError, match=r"permission denied|must be owner"),
            portal.transaction() as session,
        ):
            session.execute(text(f"RESET ROLE; {statement}"))


def test_a_tenant_sees_no_chain_and_only_its_own_rows(committed: System) -> None:
    ours, theirs = make_organisation(committed), make_organisation(committed)
    with committed.database.transaction(ours.id) as session:
        seen = session.scalars(text("SELECT DISTINCT organisation_id FROM audit_event")).all()
        assert seen == [ours.id]
    with (
        pytest.raises(DBAPIError, match="permission denied"),
        committed.database.transaction(ours.id) as session,
    ):
        session.execute(text("SELECT * FROM audit_chain"))
    with (
        pytest.raises(DBAPIError, match="row-level security"),
        committed.database.transaction(ours.id) as session,
    ):
        session.execute(
            text("INSERT INTO audit_event (action, actor_label, organisation_id) VALUES ('a', 'b', :id)"),
            {"id": theirs.id},
        )


def test_what_a_tenant_does_is_chained_too(committed: System) -> None:
    ours = make_organisation(committed)
    before = len(positions(committed))
    with committed.database.transaction(ours.id) as session:
        session.execute(
            text("INSERT INTO audit_event (action, actor_label, organisation_id) VALUES ('a', 'b', :id)"),
            {"id": ours.id},
        )
    assert len(positions(committed)) == before + 1


def test_a_deed_that_is_rolled_back_leaves_no_gap(committed: System) -> None:
    audited(committed, 1)
    with committed.work() as uow:
        audit.record(uow, "case.closed")
        uow.session.flush()
        uow.session.rollback()
    audited(committed, 1)
    rows = positions(committed)
    assert [position for position, _, _ in rows] == list(range(1, len(rows) + 1))
