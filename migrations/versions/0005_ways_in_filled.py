"""What 0004 left for later: cases, quotas and downloads of the uploads that there are, indexes, proofs.

Every step commits for itself and takes no lock for which anybody waits for long; a run that was
broken off is simply run again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005_ways_in_filled"
down_revision = "0004_ways_in"

_BATCH = 2_000  # uploads

_CASES = """
INSERT INTO support_case (id, organisation_id, reference, created_at)
SELECT gen_random_uuid(), organisation_id, case_reference, min(created_at) FROM upload
WHERE case_reference IS NOT NULL GROUP BY organisation_id, case_reference
ON CONFLICT (organisation_id, reference) DO NOTHING
"""

# What a batch holds is charged in the statement that writes it down, so that no run counts it twice.
_QUOTA = """
WITH batch AS (
    SELECT id FROM upload WHERE id > :after ORDER BY id LIMIT :batch
), held AS (
    UPDATE upload SET held_bytes = coalesce(size, declared_bytes, received_bytes)
    WHERE id IN (SELECT id FROM batch) AND held_bytes IS NULL
    AND state NOT IN ('rejected', 'abandoned', 'deleted')
    RETURNING organisation_id, held_bytes
), charged AS (
    UPDATE organisation SET used_bytes = used_bytes + sums.bytes, used_uploads = used_uploads + sums.uploads
    FROM (SELECT organisation_id, sum(held_bytes) AS bytes, count(*) AS uploads FROM held
          GROUP BY organisation_id) AS sums
    WHERE organisation.id = sums.organisation_id
)
SELECT id FROM batch ORDER BY id DESC LIMIT 1
"""

_DOWNLOADS = """
UPDATE upload SET first_downloaded_at = seen.at
FROM (SELECT upload_id, min(at) AS at FROM audit_event
      WHERE action IN ('upload.downloaded', 'upload.salvaged') GROUP BY upload_id) AS seen
WHERE upload.id = seen.upload_id AND first_downloaded_at IS NULL
"""

_PROVEN = {
    "upload": (
        "fk_upload_ticket_id",
        "fk_upload_joined_into",
        "fk_upload_case",
        "ck_upload_one_sender",
        "ck_upload_sealed_is_whole",
    ),
    "delivery": ("ck_delivery_event",),
}


def upgrade() -> None:
    """Apply, while either release goes on."""
    with op.get_context().autocommit_block():
        op.execute(_CASES)
        _hold()
        op.execute(_DOWNLOADS)
        for table, constraints in _PROVEN.items():
            for constraint in constraints:
                op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {constraint}")
        _index("ix_upload_ticket_id_created_at", ["ticket_id", "created_at"])
        _index("ix_upload_joined_into", ["joined_into"], postgresql_where=sa.text("joined_into IS NOT NULL"))
        _index(
            "uq_upload_ticket_idempotency",
            ["ticket_id", "idempotency_key"],
            unique=True,
            postgresql_where=sa.text("idempotency_key IS NOT NULL"),
        )


def _hold() -> None:
    connection = op.get_bind()
    after: object = "00000000-0000-0000-0000-000000000000"
    while after:
        after = connection.execute(sa.text(_QUOTA), {"after": after, "batch": _BATCH}).scalar()


def _index(name: str, columns: list[str], **options: object) -> None:
    op.drop_index(name, table_name="upload", if_exists=True, postgresql_concurrently=True)  # half made
    op.create_index(name, "upload", columns, postgresql_concurrently=True, **options)  # type: ignore[arg-type]


def downgrade() -> None:
    """Take back. What was counted stays counted until 0004 goes too."""
    for name in ("uq_upload_ticket_idempotency", "ix_upload_joined_into", "ix_upload_ticket_id_created_at"):
        op.drop_index(name, table_name="upload")
