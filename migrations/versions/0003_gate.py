"""The gate, second scans, releases, and states and events that come with them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003_gate"
down_revision = "0002_uploads"

_STATES: tuple[str, ...] = (
    "receiving",
    "sealed",
    "scanning",
    "clean",
    "infected",
    "unscannable",
    "rejected",
    "abandoned",
)
_STATES += ("deleted",)
_EVENTS = ("upload.clean", "upload.infected")
_NEW_EVENTS = (
    "upload.unscannable",
    "upload.recalled",
    "upload.integrity_failed",
    "gate.closed",
    "gate.opened",
)
_OBSTACLES = (
    "too_large",
    "too_many_files",
    "too_deep",
    "path_too_long",
    "too_slow",
    "encrypted",
    "damaged",
    "malformed",
    "limit",
    "scanner_error",
    "scanner_crash",
    "not_covered",
)


def upgrade() -> None:
    """Apply. The older release goes on: it writes none of the new columns, and the new states not at all."""
    op.create_table(
        "gate",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("probing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("probed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("passed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signatures", sa.String(length=200), nullable=True),
        sa.Column("probes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_gate_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gate")),
    )
    op.add_column(
        "upload",
        sa.Column(
            "obstacle",
            sa.Enum(*_OBSTACLES, name="obstacle", native_enum=False, create_constraint=True, length=32),
            nullable=True,
        ),
    )
    op.add_column("upload", sa.Column("rescan_asked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("upload", sa.Column("scanned_for", sa.String(length=64), server_default="", nullable=False))
    op.add_column("upload", sa.Column("released_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("upload", sa.Column("released_by", sa.String(length=254), nullable=True))
    op.add_column("upload", sa.Column("release_reason", sa.Text(), nullable=True))
    op.create_index(
        "ix_upload_rescan",
        "upload",
        ["rescan_asked_at"],
        unique=False,
        postgresql_where=sa.text("rescan_asked_at IS NOT NULL"),
    )
    op.create_index(
        "ix_upload_outdated",
        "upload",
        ["scanned_for", "created_at"],
        unique=False,
        postgresql_where=sa.text("state = 'clean'"),
    )
    op.add_column("scan", sa.Column("windowed", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("scan", sa.Column("complete", sa.Boolean(), server_default="false", nullable=False))
    op.add_column(
        "sign_in_session",
        sa.Column(
            "confirmed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
    )
    op.add_column(
        "sign_in_session", sa.Column("kept", postgresql.JSONB(astext_type=sa.Text()), nullable=True)
    )
    # Nobody has just proven who they are because a release was installed.
    op.execute("UPDATE sign_in_session SET confirmed_at = created_at")
    op.alter_column("delivery", "upload_id", nullable=True)
    op.add_column(
        "delivery",
        sa.Column(
            "told", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
    )
    _allow("upload", "state", "ck_upload_uploadstate", (*_STATES, "integrity_failed"))
    _allow("delivery", "event", "ck_delivery_event", (*_EVENTS, *_NEW_EVENTS))


def downgrade() -> None:
    """Take back. What the older release has no word for is deleted, or told to nobody."""
    op.execute(
        "DELETE FROM delivery WHERE upload_id IS NULL OR event NOT IN ('upload.clean', 'upload.infected')"
    )
    op.execute("UPDATE upload SET state = 'unscannable' WHERE state = 'integrity_failed'")
    _allow("delivery", "event", "ck_delivery_event", _EVENTS)
    _allow("upload", "state", "ck_upload_uploadstate", _STATES)
    op.drop_column("delivery", "told")
    op.alter_column("delivery", "upload_id", nullable=False)
    op.drop_column("sign_in_session", "kept")
    op.drop_column("sign_in_session", "confirmed_at")
    op.drop_column("scan", "complete")
    op.drop_column("scan", "windowed")
    op.drop_index("ix_upload_outdated", table_name="upload")
    op.drop_index("ix_upload_rescan", table_name="upload")
    for column in (
        "release_reason",
        "released_by",
        "released_at",
        "scanned_for",
        "rescan_asked_at",
        "obstacle",
    ):
        op.drop_column("upload", column)
    op.drop_table("gate")


def _allow(table: str, column: str, constraint: str, values: tuple[str, ...]) -> None:
    """Replace the list of values that a column may have. The rows are looked at under a weaker lock."""
    op.drop_constraint(op.f(constraint), table, type_="check")
    listed = ", ".join(f"'{value}'" for value in values)
    op.create_check_constraint(op.f(constraint), table, f"{column} IN ({listed})", postgresql_not_valid=True)
    op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {constraint}")
