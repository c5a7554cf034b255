"""When the test of each scanner that is under way began, and when the last one ended.

Only additions: one that is tested for the first time has no result yet.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020_each_scanner"
down_revision = "0019_tagged"

_TIME = sa.DateTime(timezone=True)
_AFTER_A_TEST = ("engine", "tested_at")


def upgrade() -> None:
    """Apply."""
    op.add_column("scanner_test", sa.Column("probing_since", _TIME, nullable=True))
    op.add_column("scanner_test", sa.Column("ended_at", _TIME, nullable=True))
    for name in _AFTER_A_TEST:
        op.alter_column("scanner_test", name, nullable=True)


def downgrade() -> None:
    """Take back."""
    op.execute("DELETE FROM scanner_test WHERE tested_at IS NULL")
    for name in _AFTER_A_TEST:
        op.alter_column("scanner_test", name, nullable=False)
    op.drop_column("scanner_test", "ended_at")
    op.drop_column("scanner_test", "probing_since")
