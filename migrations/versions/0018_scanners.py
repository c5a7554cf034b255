"""What each scanner was last found to do, where there are several; and which tag a stored bundle has.

Only additions.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018_scanners"
down_revision = "0017_told_walls"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "scanner_test",
        sa.Column("place", sa.String(length=255), nullable=False),
        sa.Column("engine", sa.String(length=200), nullable=False),
        sa.Column("tested_at", _TIME, nullable=False),
        sa.Column("passed_at", _TIME, nullable=True),
        sa.Column("failed", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_scanner_test")),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON scanner_test TO diagport_staff")
    op.execute("ALTER TABLE scanner_test ENABLE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY staff ON scanner_test TO diagport_staff USING (true) WITH CHECK (true)")
    op.add_column("upload", sa.Column("tagged", sa.String(length=16), nullable=True))


def downgrade() -> None:
    """Take back."""
    op.drop_column("upload", "tagged")
    op.drop_table("scanner_test")
