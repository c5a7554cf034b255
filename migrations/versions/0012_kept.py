"""How long bundles are kept, holds, tombstones, whose work they are.

Only additions, which the running release does not see. What has to look at every row is 0013's.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012_kept"
down_revision = "0011_told"

_TIME = sa.DateTime(timezone=True)
_HOLD: dict[str, Any] = {"held_at": _TIME, "held_by": sa.String(length=254), "hold_reason": sa.Text()}
_UPLOAD: dict[str, Any] = {
    "assignee_id": sa.Uuid(),
    "last_downloaded_at": _TIME,
    "expires_at": _TIME,
    "kept_until": _TIME,
    **_HOLD,
    "deleted_at": _TIME,
    "deleted_by": sa.String(length=254),
    "trace": sa.String(length=55),
}
_CASE: dict[str, Any] = {"retention_days": sa.BigInteger(), "retention_changed_at": _TIME, **_HOLD}
_CHECKS = (
    ("upload", "hold_is_whole", "num_nulls(held_at, held_by, hold_reason) IN (0, 3)"),
    # Of the state, for that is what the release before writes, which knows no holds.
    ("upload", "held_is_not_deleted", "state <> 'deleted' OR held_at IS NULL"),
    ("support_case", "hold_is_whole", "num_nulls(held_at, held_by, hold_reason) IN (0, 3)"),
    ("support_case", "retention_is_whole", "(retention_days IS NULL) = (retention_since IS NULL)"),
)
_SINCE = sa.Enum(
    "received",
    "downloaded",
    "closed",
    name="retentionsince",
    native_enum=False,
    create_constraint=True,
    length=32,
)
# What staff alone decides, no customer writes, however a view was written.
_FOR_STAFF = (
    "held_at",
    "held_by",
    "hold_reason",
    "kept_until",
    "assignee_id",
    "retention_days",
    "retention_since",
)
# What goes with a bundle that its sender withdraws; of others' nothing, as 0008 and 0011 have it.
_FORGOTTEN = ("scan", "delivery", "event_record")
_NARROW = """
DO $$ DECLARE columns text;
BEGIN
    SELECT string_agg(quote_ident(attname), ', ') INTO columns FROM pg_attribute
    WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
        AND attname NOT IN {kept};
    REVOKE UPDATE ON {table} FROM diagport_tenant;
    EXECUTE format('GRANT UPDATE (%s) ON {table} TO diagport_tenant', columns);
END $$
"""


def upgrade() -> None:
    """Apply."""
    for column, kind in _UPLOAD.items():
        op.add_column("upload", sa.Column(column, kind, nullable=True))
    op.execute(
        "ALTER TABLE upload ADD CONSTRAINT fk_upload_assignee_id"
        " FOREIGN KEY (assignee_id) REFERENCES account (id) NOT VALID"
    )
    for column, kind in _CASE.items():
        op.add_column("support_case", sa.Column(column, kind, nullable=True))
    op.add_column("support_case", sa.Column("retention_since", _SINCE, nullable=True))
    op.add_column(
        "organisation", sa.Column("retention_since", _SINCE, server_default="received", nullable=False)
    )
    op.add_column("organisation", sa.Column("retention_changed_at", _TIME, nullable=True))
    # Days that were set before are to be counted from now on.
    op.execute("UPDATE organisation SET retention_changed_at = now() WHERE retention_days IS NOT NULL")
    for table, name, rule in _CHECKS:
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{name} CHECK ({rule}) NOT VALID")
    for table in ("upload", "support_case"):
        op.execute(_NARROW.format(table=table, kept=_FOR_STAFF))
    for table in _FORGOTTEN:
        op.execute(f"GRANT DELETE ON {table} TO diagport_tenant")


def downgrade() -> None:
    """Take back."""
    for table in _FORGOTTEN:
        op.execute(f"REVOKE DELETE ON {table} FROM diagport_tenant")
    for table in ("upload", "support_case"):
        op.execute(f"GRANT UPDATE ON {table} TO diagport_tenant")
    for table, name, _ in _CHECKS:
        op.drop_constraint(f"ck_{table}_{name}", table)
    op.drop_column("organisation", "retention_changed_at")
    op.drop_column("organisation", "retention_since")
    op.drop_column("support_case", "retention_since")
    for column in reversed(_CASE):
        op.drop_column("support_case", column)
    for column in reversed(_UPLOAD):
        op.drop_column("upload", column)
