"""What 0011 and 0012 left for later: their indexes and rules on tables that may be long.

Every step commits for itself; a run that was broken off is simply run again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013_kept_filled"
down_revision = "0012_kept"

_INDEXES = (
    ("ix_upload_assignee", "upload", ["assignee_id", "created_at", "id"], "assignee_id IS NOT NULL"),
    ("ix_upload_assigned", "upload", ["created_at", "id"], "assignee_id IS NOT NULL"),
    (
        "ix_upload_unassigned",
        "upload",
        ["created_at", "id"],
        "assignee_id IS NULL AND state IN ('clean', 'unscannable')",
    ),
    ("ix_upload_expires_at", "upload", ["expires_at", "id"], "expires_at IS NOT NULL AND held_at IS NULL"),
    (
        "ix_support_case_retention_changed",
        "support_case",
        ["retention_changed_at"],
        "retention_changed_at IS NOT NULL",
    ),
    (
        "ix_upload_named",
        "upload",
        ["id"],
        "deleted_at IS NULL AND (state = 'deleted' OR partial AND state IN ('rejected', 'abandoned'))",
    ),
    ("ix_upload_deleted_at", "upload", ["deleted_at"], "deleted_at IS NOT NULL"),
    ("ix_delivery_account_id", "delivery", ["account_id"], None),
    ("ix_delivery_record_id", "delivery", ["record_id"], None),
    ("ix_delivery_created_at_id", "delivery", ["created_at", "id"], None),
    (
        "ix_delivery_channel_id_created_at_id",
        "delivery",
        ["channel_id", "created_at", "id"],
        "channel_id IS NOT NULL",
    ),
    ("ix_delivery_dead", "delivery", ["dead_at", "id"], "dead_at IS NOT NULL AND NOT overtaken"),
)
_RULES = (
    ("upload", "fk_upload_assignee_id"),
    ("upload", "ck_upload_hold_is_whole"),
    ("upload", "ck_upload_held_is_not_deleted"),
    ("support_case", "ck_support_case_hold_is_whole"),
    ("support_case", "ck_support_case_retention_is_whole"),
    ("delivery", "ck_delivery_event"),
)
_BATCH = 2_000  # uploads
# What was deleted before is to say as little as what is deleted from now on, and so is a part that was given
# up. What was downloaded before is counted from its first download, the only one that was noted.
_REWRITE = """
WITH batch AS (
    SELECT id, state, deleted_at IS NULL
        AND (state = 'deleted' OR partial AND state IN ('rejected', 'abandoned')) AS gone
    FROM upload WHERE id > :after ORDER BY id LIMIT :batch
), counted AS (
    UPDATE upload SET last_downloaded_at = first_downloaded_at
    WHERE id IN (SELECT id FROM batch WHERE NOT gone)
    AND first_downloaded_at IS NOT NULL AND last_downloaded_at IS NULL
), nameless AS (
    UPDATE upload SET filename = 'Deleted bundle', note = NULL, idempotency_key = NULL, declared_bytes = NULL,
        declared_sha256 = NULL, echoed = NULL, multipart_id = NULL, obstacle = NULL,
        last_downloaded_at = coalesce(last_downloaded_at, first_downloaded_at), deleted_at = active_at,
        deleted_by = (SELECT actor_label FROM audit_event WHERE audit_event.upload_id = upload.id
            AND action = 'upload.' || upload.state ORDER BY audit_event.id DESC LIMIT 1)
    WHERE id IN (SELECT id FROM batch WHERE gone)
), untold AS (
    DELETE FROM delivery
    WHERE event <> 'upload.deleted' AND upload_id IN (SELECT id FROM batch WHERE state = 'deleted')
), unscanned AS (
    DELETE FROM scan WHERE upload_id IN (SELECT id FROM batch WHERE state = 'deleted')
)
SELECT id FROM batch ORDER BY id DESC LIMIT 1
"""


def upgrade() -> None:
    """Apply, while either release goes on."""
    with op.get_context().autocommit_block():
        for name, table, columns, where in _INDEXES:
            op.drop_index(name, table_name=table, if_exists=True, postgresql_concurrently=True)
            narrow = sa.text(where) if where else None
            op.create_index(name, table, columns, postgresql_where=narrow, postgresql_concurrently=True)
        for table, rule in _RULES:
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {rule}")
        connection = op.get_bind()
        after: object = "00000000-0000-0000-0000-000000000000"
        while after:
            after = connection.execute(sa.text(_REWRITE), {"after": after, "batch": _BATCH}).scalar()


def downgrade() -> None:
    """Take back."""
    for name, table, _, _ in reversed(_INDEXES):
        op.drop_index(name, table_name=table)
