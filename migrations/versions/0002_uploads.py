"""Uploads, verdicts, the audit trail and the outbox.

The first release: there is nothing older that could be running.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002_uploads"
down_revision = "0001_accounts"


def upgrade() -> None:
    """Apply."""
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")  # trusted: the owner of the database may
    op.create_table(
        "upload",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("uploader_id", sa.Uuid(), nullable=False),
        sa.Column("door", sa.String(length=8), nullable=False),
        sa.Column("idempotency_key", sa.String(length=255), nullable=True),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("case_reference", sa.String(length=64), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column(
            "search",
            sa.Text(),
            sa.Computed(
                "lower(filename || ' ' || coalesce(case_reference, '') || ' ' || coalesce(note, ''))",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column("declared_bytes", sa.BigInteger(), nullable=True),
        sa.Column("declared_sha256", sa.String(length=64), nullable=True),
        sa.Column("received_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "receiving",
                "sealed",
                "scanning",
                "clean",
                "infected",
                "unscannable",
                "rejected",
                "abandoned",
                "deleted",
                name="uploadstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("active_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("storage_name", sa.String(length=32), nullable=False),
        sa.Column("storage_key", sa.String(length=255), nullable=False),
        sa.Column("storage_version", sa.String(length=128), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state NOT IN ('sealed', 'scanning', 'clean', 'infected', 'unscannable')"
            " OR (size IS NOT NULL AND sha256 IS NOT NULL AND storage_version IS NOT NULL)",
            name=op.f("ck_upload_sealed_is_whole"),
        ),
        sa.CheckConstraint("received_bytes <= declared_bytes", name=op.f("ck_upload_received_in_range")),
        sa.CheckConstraint("received_bytes >= 0", name=op.f("ck_upload_received_not_negative")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_upload_organisation_id")
        ),
        sa.ForeignKeyConstraint(["uploader_id"], ["account.id"], name=op.f("fk_upload_uploader_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload")),
        sa.UniqueConstraint("storage_key", name=op.f("uq_upload_storage_key")),
    )
    op.create_index(
        op.f("ix_upload_case_reference_created_at_id"),
        "upload",
        ["case_reference", "created_at", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_upload_created_at_id"), "upload", ["created_at", "id"], unique=False)
    op.create_index(
        op.f("ix_upload_organisation_id_created_at_id"),
        "upload",
        ["organisation_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_upload_organisation_id_state_created_at_id"),
        "upload",
        ["organisation_id", "state", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_upload_search",
        "upload",
        ["search"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"search": "gin_trgm_ops"},
    )
    op.create_index(
        op.f("ix_upload_state_created_at_id"), "upload", ["state", "created_at", "id"], unique=False
    )
    op.create_index(
        "ix_upload_unsettled",
        "upload",
        ["state", "active_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('receiving', 'sealed', 'scanning')"),
    )
    op.create_index(
        op.f("ix_upload_uploader_id_created_at"), "upload", ["uploader_id", "created_at"], unique=False
    )
    op.create_index(
        "uq_upload_idempotency",
        "upload",
        ["uploader_id", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.create_table(
        "scan",
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column(
            "verdict",
            sa.Enum(
                "clean",
                "infected",
                "unscannable",
                name="verdict",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("storage_version", sa.String(length=128), nullable=False),
        sa.Column("findings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("members_total", sa.BigInteger(), nullable=False),
        sa.Column("members_scanned", sa.BigInteger(), nullable=False),
        sa.Column("bytes_expanded", sa.BigInteger(), nullable=False),
        sa.Column("bytes_scanned", sa.BigInteger(), nullable=False),
        sa.Column("engine", sa.String(length=100), nullable=False),
        sa.Column("signatures", sa.String(length=32), nullable=True),
        sa.Column("signatures_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("scanned_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["upload.id"], name=op.f("fk_scan_upload_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("upload_id", name=op.f("pk_scan")),
    )
    op.create_table(
        "engine_status",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("engine", sa.String(length=100), nullable=False),
        sa.Column("signatures", sa.String(length=32), nullable=True),
        sa.Column("signatures_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_engine_status_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_engine_status")),
    )
    op.create_table(
        "audit_event",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_label", sa.String(length=254), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("upload_id", sa.Uuid(), nullable=True),
        sa.Column(
            "detail", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
    )
    op.create_index(op.f("ix_audit_event_upload_id_id"), "audit_event", ["upload_id", "id"], unique=False)
    op.create_table(
        "delivery",
        sa.Column(
            "event",
            sa.Enum(
                "upload.clean",
                "upload.infected",
                name="event",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("dedupe_key", sa.String(length=64), nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("failures", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dead_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["upload.id"], name=op.f("fk_delivery_upload_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_delivery_dedupe_key")),
    )
    op.create_index(
        "ix_delivery_due",
        "delivery",
        ["next_at"],
        unique=False,
        postgresql_where=sa.text("sent_at IS NULL AND dead_at IS NULL"),
    )
    op.create_index(op.f("ix_delivery_upload_id"), "delivery", ["upload_id"], unique=False)


def downgrade() -> None:
    """Take back."""
    op.drop_table("delivery")
    op.drop_table("audit_event")
    op.drop_table("engine_status")
    op.drop_table("scan")
    op.drop_table("upload")
