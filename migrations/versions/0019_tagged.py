"""What a stored bundle's tag says is forgotten as soon as its row says something else, whoever changes that.

The release before knows no tags; it works beside the trigger, which takes note for it. The index is the one
by which the scheduler finds what has no tag yet. And a direct upload keeps what its parts must become, and
with what its sender asked for that.

It commits for itself; a run that was broken off is simply run again.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0019_tagged"
down_revision = "0018_scanners"

_NAME: Final = "ix_upload_untagged"
_WHERE: Final = (
    "tagged IS NULL AND storage_name = 's3'"
    " AND state IN ('clean', 'infected', 'unscannable', 'integrity_failed')"
)
#: Waiting for those who began before keeps nobody waiting: an index is built beside readers and writers.
_PATIENCE: Final = "10min"

_COLUMNS: Final = (
    "ALTER TABLE upload ADD COLUMN IF NOT EXISTS untagged_at timestamptz",
    "ALTER TABLE upload ADD COLUMN IF NOT EXISTS joining jsonb",
    # Customers complete what they send.
    "GRANT UPDATE (joining) ON upload TO diagport_tenant",
)
_FUNCTION: Final = """
CREATE OR REPLACE FUNCTION upload_untag() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    NEW.tagged := NULL;
    NEW.untagged_at := now();
    RETURN NEW;
END $$
"""
# The end of a lease is that of a scan: it may have put something beside the object, or found other things.
_TRIGGER: Final = """
CREATE OR REPLACE TRIGGER untag
BEFORE UPDATE OF state, released_at, storage_name, storage_key, storage_version, lease_until ON upload
FOR EACH ROW WHEN (
    (OLD.state, OLD.released_at, OLD.storage_name, OLD.storage_key, OLD.storage_version)
    IS DISTINCT FROM
    (NEW.state, NEW.released_at, NEW.storage_name, NEW.storage_key, NEW.storage_version)
    OR (OLD.lease_until IS NOT NULL AND NEW.lease_until IS NULL)
) EXECUTE FUNCTION upload_untag()
"""
_INVALID: Final = sa.text(
    "SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass(:name) AND NOT indisvalid)"
)
_IS_THERE: Final = sa.text("SELECT to_regclass(:name) IS NOT NULL")


def upgrade() -> None:
    """Apply, while either release goes on."""
    for statement in (*_COLUMNS, _FUNCTION, _TRIGGER):
        op.execute(statement)
    with op.get_context().autocommit_block():
        connection = op.get_bind()
        before = connection.scalar(sa.text("SELECT current_setting('lock_timeout')"))
        set_patience = sa.text("SELECT set_config('lock_timeout', :wait, false)")
        connection.execute(set_patience, {"wait": _PATIENCE})
        try:
            _build(connection)
        finally:
            connection.execute(set_patience, {"wait": before})


def _build(connection: sa.Connection) -> None:
    """Build the index anew where a try that was broken off has left it half built, which is of no use."""
    if connection.scalar(_INVALID, {"name": _NAME}):
        op.drop_index(_NAME, table_name="upload", postgresql_concurrently=True)
    if not connection.scalar(_IS_THERE, {"name": _NAME}):
        op.create_index(
            _NAME,
            "upload",
            ["untagged_at", "id"],
            postgresql_where=sa.text(_WHERE),
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    """Take back."""
    op.drop_index(_NAME, table_name="upload")
    op.execute("DROP TRIGGER untag ON upload")
    op.execute("DROP FUNCTION upload_untag()")
    op.drop_column("upload", "joining")
    op.drop_column("upload", "untagged_at")
