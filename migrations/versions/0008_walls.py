"""Walls between organisations in the database itself: two roles, and row-level security.

What the portal signs in as may speak as `diagport_staff`, which sees every organisation, or as
`diagport_tenant`, which sees and writes what is of the organisation in the setting
`diagport.organisation` and nothing else. Neither owns anything; the trail they can only add to.

The running release goes on as the tables' owner, whom row-level security does not bind.
"""

from alembic import op

revision = "0008_walls"
down_revision = "0007_identity"

_OURS = "(SELECT diagport_organisation())"  # as a subquery it is asked once, not for every row


def _of(table: str, key: str, column: str = "id") -> str:
    """Say that the row belongs to one of ``table`` that is ours: its own policy narrows what is seen."""
    return f"EXISTS (SELECT 1 FROM {table} WHERE {table}.{column} = {key})"  # noqa: S608  # names of our own


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
    "delivery": _of("upload", "delivery.upload_id"),
    "audit_event": f"organisation_id = {_OURS}",
} | _OF_ACCOUNT
#: What tells nothing of anybody; only staff writes it.
_COMMON = ("engine_status", "gate", "alembic_version")
#: What no customer reads or writes.
_STAFF = ("identity_provider", "try_count")
_APPEND_ONLY = ("audit_event",)


def upgrade() -> None:
    """Apply."""
    for role in ("diagport_staff", "diagport_tenant"):
        # Roles are the server's, not the database's: another Diagport on it may have made them.
        op.execute(
            f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN;"
            " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        )
        op.execute(f"GRANT {role} TO CURRENT_USER")  # a portal that still signs in as the owner
        op.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}")
    op.execute(
        "CREATE FUNCTION diagport_organisation() RETURNS uuid LANGUAGE sql STABLE AS"
        " $$ SELECT nullif(current_setting('diagport.organisation', true), '')::uuid $$"
    )
    for table in (*_TENANT, *_STAFF):
        may = "SELECT, INSERT" if table in _APPEND_ONLY else "SELECT, INSERT, UPDATE, DELETE"
        op.execute(f"GRANT {may} ON {table} TO diagport_staff")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY staff ON {table} TO diagport_staff USING (true) WITH CHECK (true)")
        if table in _TENANT:
            op.execute(f"GRANT {may} ON {table} TO diagport_tenant")
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
    op.execute("DROP FUNCTION diagport_organisation()")
    for role in ("diagport_staff", "diagport_tenant"):
        op.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}")
        op.execute(f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {role}")
