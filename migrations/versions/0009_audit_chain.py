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
# What runs as the owner names everything with its schema, and by its exact types: whoever may make
# functions in a schema of the search path must not be able to slip one in. PL/pgSQL, because a
# session plans it once: everybody else's commit waits for this one.
_HASH = """
CREATE FUNCTION audit_hash(previous bytea, event audit_event) RETURNS bytea LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    field text;
    fields text := '';
BEGIN
    FOREACH field IN ARRAY ARRAY[
        event.id::text,
        to_char(event.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        event.action::text,
        event.actor_id::text,
        event.actor_label::text,
        event.actor_role::text,
        event.on_behalf_of::text,
        event.means::text,
        event.address::text,
        event.request_id::text,
        event.organisation_id::text,
        event.upload_id::text,
        event.account_id::text,
        event.detail::text
    ] LOOP
        fields := fields || coalesce(octet_length(convert_to(field, 'UTF8')) || ':' || field, '-') || ',';
    END LOOP;
    RETURN sha256(previous || convert_to(fields, 'UTF8'));
END $$
"""
_APPEND = """
CREATE FUNCTION audit_append(event audit_event) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE last public.audit_chain;
BEGIN
    -- Until the commit is done. What is read next is read after it is held, so the end is the end.
    PERFORM pg_advisory_xact_lock(4803);
    SELECT * INTO last FROM public.audit_chain ORDER BY position DESC LIMIT 1;
    INSERT INTO public.audit_chain (position, event_id, hash)
    VALUES (
        coalesce(last.position, 0) + 1, event.id, public.audit_hash(coalesce(last.hash, ''::bytea), event)
    );
END $$
"""
_TRIGGER = """
CREATE FUNCTION audit_chain_row() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN PERFORM public.audit_append(NEW); RETURN NULL; END $$
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
    for statement in (_HASH, _APPEND, _TRIGGER):
        op.execute(statement)
    # Who could call it, or hang it on a table of their own, could write the chain.
    for function in ("audit_append(audit_event)", "audit_chain_row()"):
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
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
