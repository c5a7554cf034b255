"""I10, T2: the database itself shows a customer their organisation and nothing else, whatever is asked."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.exc import DataError, DBAPIError, ProgrammingError

from app.cli.dev.postgres import LOGIN
from app.cli.dev.services import Services
from app.db import STAFF, TENANT, Database
from app.domain.errors import BadRequestError
from app.models import Account, Base, Organisation, Upload
from app.system import System
from tests.integration.walls import TABLES, House, portals_database, two_houses
from tests.integration.walls_statements import REFUSED, STAFFS_LIMITS, WRITES

#: Tables without rows of a customer, and why a customer's transaction may read them nevertheless.
COMMON = {
    "engine_status": "which scanner, and how new its signatures are: the footer of every page",
    "gate": "whether the virus check works: a banner on every page",
}
#: Tables of which a customer's transaction sees no row at all.
STAFF_ONLY = {
    "audit_chain",
    "channel",
    "counter",
    "counter_mark",
    "identity_provider",
    "provider_sign_in",
    "scanner_test",
    "step_run",
    "try_count",
}
WALLED = sorted(set(TABLES) - set(COMMON) - STAFF_ONLY)


@pytest.fixture(scope="module")
def walled(services: Services, template: str) -> Iterator[Database]:
    with portals_database(services, template, f"walls_{uuid4().hex[:8]}") as database:
        yield database


@pytest.fixture(scope="module")
def built() -> list[tuple[System, House, House]]:
    """Keep what the first test makes: none of them changes it."""
    return []


@pytest.fixture
def houses(
    system: System, walled: Database, built: list[tuple[System, House, House]]
) -> tuple[System, House, House]:
    """Give the portal on that database, us and them."""
    if not built:
        built.append(two_houses(system, walled))
    return built[0]


def keys(database: Database, table: str, organisation_id: UUID | None) -> set[tuple[object, ...]]:
    """Return the primary keys that are seen in a transaction of the organisation's, or of staff's."""
    with database.transaction(organisation_id) as session:
        return {tuple(row) for row in session.execute(select(*TABLES[table].primary_key))}


def test_every_table_has_its_walls_or_a_reason_to_have_none(walled: Database) -> None:
    with walled.transaction() as session:
        policies = session.execute(
            text(
                "SELECT tablename, roles::text[] FROM pg_policies JOIN pg_class ON relname = tablename"
                " WHERE relrowsecurity AND schemaname = 'public'"
            )
        ).all()
    found: dict[str, set[str]] = {}
    for table, roles in policies:
        found.setdefault(table, set()).update(roles)
    expected = {table: {STAFF, TENANT} for table in WALLED} | {table: {STAFF} for table in STAFF_ONLY}
    assert found == expected


@pytest.mark.parametrize("tenant", ["ours", "theirs"])
def test_a_customers_transaction_sees_rows_of_one_organisation(
    houses: tuple[System, House, House], walled: Database, tenant: str
) -> None:
    """No query narrows anything here: every table is read whole."""
    _, *both = houses
    me, other = both if tenant == "ours" else both[::-1]
    for table in WALLED:
        mine, theirs = (keys(walled, table, house.organisation_id) for house in (me, other))
        assert mine, f"{table} has a row of everybody's"
        assert not mine & theirs, table
        assert mine | theirs <= keys(walled, table, None), table
        assert keys(walled, table, uuid4()) == set(), table
    with walled.transaction(me.organisation_id) as session:
        assert session.scalars(select(Upload.organisation_id).distinct()).all() == [me.organisation_id]
        assert session.scalars(select(Account.organisation_id).distinct()).all() == [me.organisation_id]


@pytest.mark.parametrize("table", sorted(STAFF_ONLY))
def test_what_is_staffs_no_customer_reads(
    houses: tuple[System, House, House], walled: Database, table: str
) -> None:
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        walled.transaction(houses[1].organisation_id) as session,
    ):
        session.execute(select(TABLES[table]))


def _values(houses: tuple[System, House, House]) -> dict[str, object]:
    _, ours, theirs = houses
    return {
        "ours": ours.organisation_id,
        "theirs": theirs.organisation_id,
        "person": theirs.customer.id,
        "email": theirs.customer.email,
        "upload": theirs.uploads[0].id,
    }


def test_a_customer_writes_nothing_of_another_organisation(
    houses: tuple[System, House, House], walled: Database
) -> None:
    values = _values(houses)
    for what, statement in WRITES.items():
        with walled.transaction(houses[1].organisation_id) as session:
            changed = session.connection().execute(text(statement), values).rowcount
        assert changed == 0, what
    # One transaction, which is rolled back to before each try: what is refused leaves nothing.
    with walled.transaction(houses[1].organisation_id) as session:
        for what, statement in REFUSED.items():
            with pytest.raises(DBAPIError) as error, session.begin_nested():
                session.execute(text(statement), values)
            assert error.value.orig.sqlstate == "42501", f"{what}: {error.value.orig}"  # type: ignore[union-attr]


def test_staffs_transactions_see_everything_and_own_nothing_either(
    houses: tuple[System, House, House], walled: Database
) -> None:
    with walled.transaction() as session:
        assert len(session.scalars(select(Organisation.id)).all()) == 2
        for statement in STAFFS_LIMITS:
            with pytest.raises(DBAPIError) as error, session.begin_nested():
                session.execute(text(statement))
            assert error.value.orig.sqlstate == "42501", statement  # type: ignore[union-attr]


@pytest.fixture
def login(walled: Database) -> Iterator[Connection]:
    """Give the one connection of the portal's pool, as between two transactions."""
    assert walled.engine.pool.size() == 1  # type: ignore[attr-defined]
    with walled.engine.connect() as connection:
        yield connection


def test_the_login_alone_may_nothing(login: Connection) -> None:
    for table in TABLES:
        with pytest.raises(ProgrammingError, match="permission denied"):
            login.execute(select(func.count()).select_from(TABLES[table]))
        login.rollback()
    # nor does it inherit what the roles may, nor own anything, nor may it more than sign in
    role = login.execute(text("SELECT * FROM pg_roles WHERE rolname = session_user")).mappings().one()
    assert not any(
        role[power]
        for power in (
            "rolsuper",
            "rolinherit",
            "rolcreaterole",
            "rolcreatedb",
            "rolbypassrls",
            "rolreplication",
        )
    )
    for name in (LOGIN, STAFF, TENANT):
        owned = "SELECT count(*) FROM pg_class WHERE pg_has_role(:name, relowner, 'MEMBER')"
        assert login.scalar(text(owned), {"name": name}) == 0
        assert not login.scalar(
            text("SELECT rolbypassrls FROM pg_roles WHERE rolname = :name"), {"name": name}
        )


class Broken(Exception):  # noqa: N818
    """Something that went wrong in the middle."""


@pytest.mark.parametrize("end", ["commit", "exception", "database error", "rollback"])
def test_no_transaction_leaves_its_role_to_the_next(walled: Database, end: str) -> None:
    """The pool has one connection, so the next transaction is on the same one."""
    with walled.engine.connect() as connection:
        before = connection.scalar(text("SELECT pg_backend_pid()"))
    ended_badly = False
    try:
        with walled.transaction(uuid4()) as session:
            assert session.scalar(text("SELECT current_user")) == TENANT
            if end == "exception":
                raise Broken
            if end == "database error":
                session.execute(text("SELECT 1 / (SELECT count(*) - count(*) FROM upload)"))
            if end == "rollback":
                session.rollback()
                with pytest.raises(ProgrammingError, match="permission denied"):
                    session.execute(select(Upload))
                session.rollback()
    except (Broken, DataError, BadRequestError):
        ended_badly = True
    assert ended_badly is (end in {"exception", "database error"})
    with walled.engine.connect() as connection:
        pid, user, organisation = connection.execute(
            text("SELECT pg_backend_pid(), current_user, current_setting('diagport.organisation', true)")
        ).one()
    assert (pid, user) == (before, LOGIN)
    assert not organisation
    with walled.transaction() as session:
        assert session.scalar(text("SELECT current_user")) == STAFF
        assert session.scalar(text("SELECT diagport_organisation()")) is None


def test_every_table_of_the_models_is_known_here() -> None:
    assert {table.name for table in Base.metadata.sorted_tables} >= set(COMMON) | STAFF_ONLY


def test_a_customer_cannot_reach_out_by_a_reference(
    houses: tuple[System, House, House], walled: Database
) -> None:
    """A row of ours that names somebody of theirs shows nothing of them."""
    _, ours, theirs = houses
    with walled.transaction(ours.organisation_id) as session:
        session.execute(
            update(Upload).where(Upload.id == ours.uploads[0].id).values(uploader_id=theirs.customer.id)
        )
        session.flush()
        upload = session.get_one(Upload, ours.uploads[0].id)
        assert upload.uploader is None
        session.rollback()
