"""The index by which the scheduler finds the bundles whose tag is not written yet.

It commits for itself; a run that was broken off is simply run again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019_tagged"
down_revision = "0018_scanners"

_NAME = "ix_upload_untagged"
_WHERE = "tagged IS NULL AND state IN ('clean', 'infected', 'unscannable', 'integrity_failed')"


def upgrade() -> None:
    """Apply, while either release goes on."""
    with op.get_context().autocommit_block():
        op.drop_index(_NAME, table_name="upload", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            _NAME,
            "upload",
            ["storage_name", "id"],
            postgresql_where=sa.text(_WHERE),
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    """Take back."""
    op.drop_index(_NAME, table_name="upload")
