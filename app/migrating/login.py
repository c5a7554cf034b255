"""The login that the portal runs as: made, given its password, and let in to speak as the portal's roles."""

from psycopg import Connection, sql
from pydantic import SecretStr

_ROLES_THERE = "SELECT count(*) = 2 FROM pg_roles WHERE rolname IN ('diagport_staff', 'diagport_tenant')"
_IS_IN = (
    "SELECT NOT rolinherit AND pg_has_role(rolname, 'diagport_staff', 'MEMBER')"
    " AND pg_has_role(rolname, 'diagport_tenant', 'MEMBER') FROM pg_roles WHERE rolname = %s"
)


def let_in(connection: Connection, login: str, password: SecretStr | None) -> None:
    """Let ``login`` into the portal; with ``password`` it is made first if it is missing.

    It owns nothing, and may do nothing before it says which of the two roles it is. Sessions that it has
    open go on. The owner needs CREATEROLE for whatever is not so already, and need not be superuser.

    Raises:
        psycopg.Error: the owner may not do that, or there is no such login and no password to make it with.
    """
    with connection.transaction():
        if login == connection.info.user:
            return  # whoever owns the tables may speak as the roles as it is
        name = sql.Identifier(login)
        if password:
            _make(connection, login, password)
        if _says(connection, _ROLES_THERE) and not _says(connection, _IS_IN, login):
            # A role is inherited, or not, as its member does at the time it is granted: this order.
            connection.execute(sql.SQL("ALTER ROLE {} NOINHERIT").format(name))
            connection.execute(sql.SQL("GRANT diagport_staff, diagport_tenant TO {}").format(name))


def _make(connection: Connection, login: str, password: SecretStr) -> None:
    # Hashed here (RFC 5803), so that neither the server's log nor its statistics of statements see it. It
    # is set anew although it may be the same: nothing but a try to sign in would tell.
    hashed = connection.pgconn.encrypt_password(
        password.get_secret_value().encode(), login.encode(), b"scram-sha-256"
    ).decode()
    there = _says(connection, "SELECT true FROM pg_roles WHERE rolname = %s", login)
    statement = "ALTER ROLE {} LOGIN PASSWORD {}" if there else "CREATE ROLE {} LOGIN NOINHERIT PASSWORD {}"
    connection.execute(sql.SQL(statement).format(sql.Identifier(login), sql.Literal(hashed)))


def _says(connection: Connection, question: str, *values: str) -> bool:
    row = connection.execute(question.encode(), values or None).fetchone()
    return bool(row and row[0])
