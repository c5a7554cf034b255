"""Cases, tickets, scopes of tokens, quotas, parts of parallel uploads, direct uploads.

Nothing here looks at the uploads that there are, so that nobody waits for long: 0005 does.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004_ways_in"
down_revision = "0003_gate"

_EVENTS: tuple[str, ...] = (
    "upload.clean",
    "upload.infected",
    "upload.unscannable",
    "upload.recalled",
    "upload.integrity_failed",
    "gate.closed",
    "gate.opened",
)
_NEW_EVENTS = ("upload.received", "upload.expiring", "ticket.issued")
_WHOLE = "state NOT IN ('sealed', 'scanning', 'clean', 'infected', 'unscannable') OR "
_WHOLE_NOW = "(size IS NOT NULL AND storage_version IS NOT NULL AND (sha256 IS NOT NULL OR door = 'direct'))"
_WHOLE_THEN = "(size IS NOT NULL AND sha256 IS NOT NULL AND storage_version IS NOT NULL)"
_TIME = sa.DateTime(timezone=True)
_JSON = postgresql.JSONB(astext_type=sa.Text())


def upgrade() -> None:
    """Apply. The older release goes on: cases that it names are made for it, 0005 counts what it sends.

    Tokens that it makes meanwhile have no scope, and must be made anew.
    """
    _cases()
    _tickets()
    op.add_column("organisation", sa.Column("quota_bytes", sa.BigInteger(), nullable=True))
    op.add_column("organisation", sa.Column("quota_uploads", sa.BigInteger(), nullable=True))
    for name in ("used_bytes", "used_uploads"):
        op.add_column("organisation", sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))
    op.create_check_constraint(
        op.f("ck_organisation_use_not_negative"), "organisation", "used_bytes >= 0 AND used_uploads >= 0"
    )
    op.add_column("api_token", sa.Column("hint", sa.String(length=12), server_default="", nullable=False))
    op.add_column("api_token", sa.Column("scopes", _JSON, server_default=sa.text("'[]'"), nullable=False))
    op.add_column("api_token", sa.Column("expires_at", _TIME, nullable=True))
    # until now a token could do everything
    op.execute(
        """UPDATE api_token SET scopes = '["uploads:write", "uploads:read", "uploads:download", "admin"]'"""
    )
    _uploads()
    _replace_check("delivery", "ck_delivery_event", f"event IN {(*_EVENTS, *_NEW_EVENTS)}")


def _cases() -> None:
    op.create_table(
        "support_case",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=200), server_default="", nullable=False),
        sa.Column(
            "search",
            sa.Text(),
            sa.Computed("lower(reference || ' ' || title)", persisted=True),
            nullable=False,
        ),
        sa.Column("closed_at", _TIME, nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_support_case_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_support_case")),
        sa.UniqueConstraint(
            "organisation_id", "reference", name=op.f("uq_support_case_organisation_id_reference")
        ),
    )
    op.create_index(op.f("ix_support_case_created_at_id"), "support_case", ["created_at", "id"])
    op.create_index(
        op.f("ix_support_case_organisation_id_created_at_id"),
        "support_case",
        ["organisation_id", "created_at", "id"],
    )
    op.create_index(
        "ix_support_case_search",
        "support_case",
        ["search"],
        postgresql_using="gin",
        postgresql_ops={"search": "gin_trgm_ops"},
    )
    # The older release names a case and knows of no row for it.
    op.execute(
        """
        CREATE FUNCTION make_case_of_upload() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.case_reference IS NOT NULL THEN
                INSERT INTO support_case (id, organisation_id, reference)
                VALUES (gen_random_uuid(), NEW.organisation_id, NEW.case_reference)
                ON CONFLICT (organisation_id, reference) DO NOTHING;
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER make_case BEFORE INSERT OR UPDATE OF case_reference ON upload"
        " FOR EACH ROW EXECUTE FUNCTION make_case_of_upload()"
    )


def _tickets() -> None:
    op.create_table(
        "ticket",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("made_by_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("hint", sa.String(length=4), nullable=False),
        sa.Column("recipient", sa.String(length=254), nullable=True),
        sa.Column("networks", _JSON, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("revoked_at", _TIME, nullable=True),
        sa.Column("last_used_at", _TIME, nullable=True),
        sa.Column("max_uploads", sa.BigInteger(), nullable=False),
        sa.Column("max_bytes", sa.BigInteger(), nullable=True),
        sa.Column("used_uploads", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("used_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("used_uploads BETWEEN 0 AND max_uploads", name=op.f("ck_ticket_uploads_in_range")),
        sa.CheckConstraint(
            "used_bytes >= 0 AND used_bytes <= max_bytes", name=op.f("ck_ticket_bytes_in_range")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["support_case.id"], name=op.f("fk_ticket_case_id")),
        sa.ForeignKeyConstraint(["made_by_id"], ["account.id"], name=op.f("fk_ticket_made_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_ticket_code_hash")),
    )
    op.create_index(op.f("ix_ticket_case_id"), "ticket", ["case_id"])


def _uploads() -> None:
    for column in (
        sa.Column("ticket_id", sa.Uuid(), nullable=True),
        sa.Column("held_bytes", sa.BigInteger(), nullable=True),
        sa.Column("writer_epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("partial", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("joined_into", sa.Uuid(), nullable=True),
        sa.Column("part_number", sa.BigInteger(), nullable=True),
        sa.Column("echoed", _JSON, nullable=True),
        sa.Column("first_downloaded_at", _TIME, nullable=True),
        sa.Column("multipart_id", sa.Text(), nullable=True),
    ):
        op.add_column("upload", column)
    op.alter_column("upload", "uploader_id", nullable=True)
    op.create_foreign_key(
        op.f("fk_upload_ticket_id"), "upload", "ticket", ["ticket_id"], ["id"], postgresql_not_valid=True
    )
    op.create_foreign_key(
        op.f("fk_upload_joined_into"),
        "upload",
        "upload",
        ["joined_into"],
        ["id"],
        ondelete="CASCADE",
        postgresql_not_valid=True,
    )
    op.create_foreign_key(
        op.f("fk_upload_case"),
        "upload",
        "support_case",
        ["organisation_id", "case_reference"],
        ["organisation_id", "reference"],
        onupdate="CASCADE",
        postgresql_not_valid=True,
    )
    op.create_check_constraint(
        op.f("ck_upload_one_sender"),
        "upload",
        "num_nonnulls(uploader_id, ticket_id) = 1",
        postgresql_not_valid=True,
    )
    _replace_check("upload", "ck_upload_sealed_is_whole", _WHOLE + _WHOLE_NOW)


def downgrade() -> None:
    """Take back. What came without an account, or past the portal, is deleted: there is no word for it."""
    op.execute("DELETE FROM delivery WHERE event IN ('upload.received', 'upload.expiring', 'ticket.issued')")
    op.execute("DELETE FROM upload WHERE ticket_id IS NOT NULL OR partial")
    op.execute(
        "DELETE FROM upload WHERE sha256 IS NULL"
        " AND state IN ('sealed', 'scanning', 'clean', 'infected', 'unscannable')"
    )
    _replace_check("delivery", "ck_delivery_event", f"event IN {_EVENTS}")
    _replace_check("upload", "ck_upload_sealed_is_whole", _WHOLE + _WHOLE_THEN)
    op.execute("DROP TRIGGER make_case ON upload")
    op.execute("DROP FUNCTION make_case_of_upload")
    op.drop_constraint(op.f("ck_upload_one_sender"), "upload", type_="check")
    for name in ("fk_upload_case", "fk_upload_joined_into", "fk_upload_ticket_id"):
        op.drop_constraint(op.f(name), "upload", type_="foreignkey")
    op.alter_column("upload", "uploader_id", nullable=False)
    for name in ("multipart_id", "first_downloaded_at", "echoed", "part_number", "joined_into"):
        op.drop_column("upload", name)
    for name in ("partial", "writer_epoch", "held_bytes", "ticket_id"):
        op.drop_column("upload", name)
    for name in ("expires_at", "scopes", "hint"):
        op.drop_column("api_token", name)
    op.drop_constraint(op.f("ck_organisation_use_not_negative"), "organisation", type_="check")
    for name in ("used_uploads", "used_bytes", "quota_uploads", "quota_bytes"):
        op.drop_column("organisation", name)
    op.drop_table("ticket")
    op.drop_table("support_case")


def _replace_check(table: str, constraint: str, rule: str) -> None:
    """Put another rule in place, which the rows that there are obey too; nobody looks at them now."""
    op.drop_constraint(op.f(constraint), table, type_="check")
    op.create_check_constraint(op.f(constraint), table, rule, postgresql_not_valid=True)
