"""Walls between organisations in the database itself: two roles, and row-level security.

What the portal signs in as may speak as `diagport_staff`, which sees every organisation, or as
`diagport_tenant`, which sees and writes what is of the organisation in the setting
`diagport.organisation` and nothing else. Neither owns anything; the trail they can only add to. What a
customer never changes, however a view was written, `diagport_tenant` cannot: quotas, verdicts, tickets, nor
who somebody is (address, role, organisation, whether they manage).

The running release goes on as the tables' owner, whom row-level security does not bind.
"""

from alembic import op

revision = "0008_walls"
down_revision = "0007_identity"

_OURS = "(SELECT diagport_organisation())"  # as a subquery it is asked once, not for every row


def _of(table: str, key: str, column: str | None = None) -> str:
    """Say that the row belongs to one of ``table`` that is ours: its own policy narrows what is seen."""
    column = column or f"{table}.id"
    return f"EXISTS (SELECT 1 FROM {table} WHERE {column} = {key})"  # noqa: S608  # names of our own


_OF_ACCOUNT = {
    name: _of("account", f"{name}.account_id")
    for name in (
        "sign_in_session",
        "api_token",
        "account_link",
        "identity",
        "passkey",
        "passkey_challenge",
        "pending_sign_in",
        "recovery_code",
        "token_issuer",
        "totp",
    )
}
#: Whose a row is, by table.
_TENANT = {
    "organisation": f"id = {_OURS}",
    "organisation_domain": f"organisation_id = {_OURS}",
    "account": f"organisation_id = {_OURS}",
    "support_case": f"organisation_id = {_OURS}",
    "ticket": _of("support_case", "ticket.case_id"),
    "upload": f"organisation_id = {_OURS}",
    "scan": _of("upload", "scan.upload_id"),
    # A mail is about an upload, or for somebody with an account, about that.
    "delivery": f"({_of('upload', 'delivery.upload_id')}"
    f" OR upload_id IS NULL AND {_of('account', 'lower(delivery.recipient)', 'lower(account.email)')})",
    "audit_event": f"organisation_id = {_OURS}",
} | _OF_ACCOUNT
#: What tells nothing of anybody; only staff writes it.
_COMMON = ("engine_status", "gate", "alembic_version")
#: What no customer reads or writes.
_STAFF = ("identity_provider", "provider_sign_in", "try_count")
_APPEND_ONLY = ("audit_event",)
_ALL = "SELECT, INSERT, UPDATE, DELETE"
#: What customers may do to a table, where that is not everything.
_TENANT_MAY = {
    "organisation": "SELECT, UPDATE (used_bytes, used_uploads)",
    "organisation_domain": "SELECT",
    "account": "SELECT, INSERT, UPDATE (password_hash, active, activated_at, signed_in_at,"
    " locale, time_zone, unwanted)",
    "ticket": "SELECT, UPDATE (used_bytes, used_uploads, last_used_at)",
    "upload": "SELECT, INSERT, UPDATE",
    "scan": "SELECT",
    "delivery": "SELECT, INSERT",
    "audit_event": "SELECT, INSERT",
}
# An owner who may make no roles finds them made by somebody who may (docs/operations/database.md).
_ROLE = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN CREATE ROLE {role} NOLOGIN; END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$
"""
# For a portal that still signs in as the owner. One who may not is in already, or shall not be.
_JOIN = """
DO $$ BEGIN GRANT {role} TO CURRENT_USER; EXCEPTION WHEN insufficient_privilege THEN NULL; END $$
"""

# Row-level security keeps the planner from an index by LIKE, which might leak what it compares: a customer's
# search would read all that the organisation ever sent. This looks for them, within the same wall.
_MATCHES = """
CREATE FUNCTION upload_matches(patterns text[]) RETURNS SETOF uuid LANGUAGE plpgsql STABLE ROWS 100
SECURITY DEFINER SET search_path = public, pg_temp SET enable_indexscan = off SET enable_seqscan = off AS $$
BEGIN
    RETURN QUERY EXECUTE 'SELECT id FROM upload WHERE organisation_id = $1'
        || (SELECT string_agg(format(' AND search LIKE %L', pattern), '') FROM unnest(patterns) AS pattern)
        USING diagport_organisation();
END $$
"""


def upgrade() -> None:
    """Apply."""
    for role in ("diagport_staff", "diagport_tenant"):
        # Roles are the server's, not the database's: another Diagport on it may have made them.
        op.execute(_ROLE.format(role=role))
        op.execute(_JOIN.format(role=role))
        op.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
        op.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}")
    op.execute(
        "CREATE FUNCTION diagport_organisation() RETURNS uuid LANGUAGE sql STABLE AS"
        " $$ SELECT nullif(current_setting('diagport.organisation', true), '')::uuid $$"
    )
    op.execute(_MATCHES)
    op.execute("REVOKE ALL ON FUNCTION upload_matches(text[]) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION upload_matches(text[]) TO diagport_tenant")
    for table in (*_TENANT, *_STAFF):
        may = "SELECT, INSERT" if table in _APPEND_ONLY else _ALL
        op.execute(f"GRANT {may} ON {table} TO diagport_staff")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY staff ON {table} TO diagport_staff USING (true) WITH CHECK (true)")
        if table in _TENANT:
            op.execute(f"GRANT {_TENANT_MAY.get(table, _ALL)} ON {table} TO diagport_tenant")
            op.execute(f"CREATE POLICY tenant ON {table} TO diagport_tenant USING ({_TENANT[table]})")
    for table in _COMMON:
        op.execute(f"GRANT SELECT ON {table} TO diagport_staff, diagport_tenant")
    op.execute("GRANT INSERT, UPDATE, DELETE ON engine_status, gate TO diagport_staff")


def downgrade() -> None:
    """Take back. The roles stay: another database of the server may need them."""
    for table in (*_TENANT, *_STAFF):
        op.execute(f"DROP POLICY IF EXISTS tenant ON {table}")
        op.execute(f"DROP POLICY staff ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    op.execute("DROP FUNCTION upload_matches(text[])")
    op.execute("DROP FUNCTION diagport_organisation()")
    for role in ("diagport_staff", "diagport_tenant"):
        op.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}")
        op.execute(f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {role}")
