"""The audit trail becomes a chain of hashes.

A trigger chains each row just before its transaction commits, so that the chain's lock is held
for the commit alone and nobody waits for another lock while holding it. The running release needs
no change: its rows are chained too. 0010 chains the rows of before.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009_audit_chain"
down_revision = "0008_walls"

# Each field as a netstring, so that no two different rows give the same bytes; NULL is "-".
_FIELD = """
CREATE FUNCTION audit_field(value text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(octet_length(convert_to(value, 'UTF8')) || ':' || value, '-') || ','
$$
"""
_HASH = """
CREATE FUNCTION audit_hash(previous bytea, event audit_event) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(previous || convert_to(
        audit_field(event.id::text)
        || audit_field(to_char(event.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
        || audit_field(event.action)
        || audit_field(event.actor_id::text)
        || audit_field(event.actor_label)
        || audit_field(event.on_behalf_of)
        || audit_field(event.means)
        || audit_field(event.address)
        || audit_field(event.request_id)
        || audit_field(event.organisation_id::text)
        || audit_field(event.upload_id::text)
        || audit_field(event.account_id::text)
        || audit_field(event.detail::text), 'UTF8'))
$$
"""
_APPEND = """
CREATE FUNCTION audit_append(event audit_event) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE last audit_chain;
BEGIN
    PERFORM pg_advisory_xact_lock(4803);
    SELECT * INTO last FROM audit_chain ORDER BY position DESC LIMIT 1;
    INSERT INTO audit_chain (position, event_id, hash)
    VALUES (coalesce(last.position, 0) + 1, event.id, audit_hash(coalesce(last.hash, ''), event));
END $$
"""
_TRIGGER = """
CREATE FUNCTION audit_chain_row() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN PERFORM audit_append(NEW); RETURN NULL; END $$
"""


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "audit_chain",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["audit_event.id"], name=op.f("fk_audit_chain_event_id")),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_audit_chain")),
        sa.UniqueConstraint("event_id", name=op.f("uq_audit_chain_event_id")),
    )
    for statement in (_FIELD, _HASH, _APPEND, _TRIGGER):
        op.execute(statement)
    # Who could call it could write the chain.
    op.execute("REVOKE ALL ON FUNCTION audit_append(audit_event) FROM PUBLIC")
    op.execute(
        "CREATE CONSTRAINT TRIGGER chain AFTER INSERT ON audit_event DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION audit_chain_row()"
    )
    op.execute("GRANT SELECT ON audit_chain TO diagport_staff")
    op.execute("ALTER TABLE audit_chain ENABLE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY staff ON audit_chain FOR SELECT TO diagport_staff USING (true)")


def downgrade() -> None:
    """Take back: the trail stays, its proof goes."""
    op.execute("DROP TRIGGER chain ON audit_event")
    op.execute("DROP FUNCTION audit_chain_row()")
    op.execute("DROP FUNCTION audit_append(audit_event)")
    op.drop_table("audit_chain")
    op.execute("DROP FUNCTION audit_hash(bytea, audit_event)")
    op.execute("DROP FUNCTION audit_field(text)")
