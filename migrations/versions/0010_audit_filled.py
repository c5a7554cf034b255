"""What 0009 left for later: the rows of before join the chain, and the trail gets its indexes.

Every step commits for itself; a run that was broken off is simply run again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010_audit_filled"
down_revision = "0009_audit_chain"

_BATCH = 2_000  # rows
_OLDER = """
SELECT count(audit_append(event)) FROM (
    SELECT audit_event AS event FROM audit_event
    WHERE NOT EXISTS (SELECT 1 FROM audit_chain WHERE event_id = audit_event.id)
    ORDER BY id LIMIT :batch
) AS older
"""
_INDEXES = ("account_id", "action", "actor_id", "organisation_id")


def upgrade() -> None:
    """Apply, while either release goes on."""
    with op.get_context().autocommit_block():
        for column in _INDEXES:
            name = f"ix_audit_event_{column}_id"
            op.drop_index(name, table_name="audit_event", if_exists=True, postgresql_concurrently=True)
            op.create_index(name, "audit_event", [column, "id"], postgresql_concurrently=True)
        op.execute("ALTER TABLE delivery VALIDATE CONSTRAINT ck_delivery_event")  # of 0006
        connection = op.get_bind()
        while connection.execute(sa.text(_OLDER), {"batch": _BATCH}).scalar():
            pass


def downgrade() -> None:
    """Take back. What was chained stays so until 0009 goes too."""
    for column in _INDEXES:
        op.drop_index(f"ix_audit_event_{column}_id", table_name="audit_event")
