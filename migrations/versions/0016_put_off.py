"""What cannot be spread is put off; a channel is paused only when it has failed for a while.

Only additions.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016_put_off"
down_revision = "0015_counting"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply."""
    op.add_column("event_record", sa.Column("failures", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column(
        "event_record", sa.Column("next_at", _TIME, server_default=sa.text("now()"), nullable=False)
    )
    op.add_column("channel", sa.Column("failing_since", _TIME, nullable=True))


def downgrade() -> None:
    """Revert."""
    op.drop_column("channel", "failing_since")
    op.drop_column("event_record", "next_at")
    op.drop_column("event_record", "failures")
