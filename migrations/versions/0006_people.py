"""People: organisations, invitations, factors, tries that failed.

Only additions, which the running release does not see.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006_people"
down_revision = "0005_ways_in_filled"

_TIME = sa.DateTime(timezone=True)
_JSON = postgresql.JSONB(astext_type=sa.Text())
_EVENTS = (
    "upload.received",
    "upload.expiring",
    "upload.clean",
    "upload.infected",
    "upload.unscannable",
    "upload.recalled",
    "upload.integrity_failed",
    "ticket.issued",
    "gate.closed",
    "gate.opened",
)
_NEW_EVENTS = ("account.invited", "account.reset", "account.changed")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "try_count",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("network", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("since", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("last_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject", "network", name=op.f("pk_try_count")),
    )
    op.create_index(op.f("ix_try_count_since"), "try_count", ["since"], unique=False)
    op.create_table(
        "organisation_domain",
        sa.Column("domain", sa.String(length=253), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_organisation_domain_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("domain", name=op.f("pk_organisation_domain")),
    )
    op.create_index(
        op.f("ix_organisation_domain_organisation_id"),
        "organisation_domain",
        ["organisation_id"],
        unique=False,
    )
    _table(
        "account_link",
        sa.Column(
            "purpose",
            sa.Enum(
                "invitation",
                "reset",
                name="linkpurpose",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("used_at", _TIME, nullable=True),
        sa.UniqueConstraint("token_hash", name=op.f("uq_account_link_token_hash")),
        of_account=True,
    )
    op.create_index(op.f("ix_account_link_account_id"), "account_link", ["account_id"], unique=False)
    _table(
        "passkey",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("transports", _JSON, nullable=False),
        sa.Column("backed_up", sa.Boolean(), nullable=False),
        sa.Column("last_used_at", _TIME, nullable=True),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkey_credential_id")),
        of_account=True,
    )
    op.create_index(op.f("ix_passkey_account_id"), "passkey", ["account_id"], unique=False)
    _table(
        "passkey_challenge",
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("challenge", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        of_account=True,
    )
    op.create_index(
        op.f("ix_passkey_challenge_account_id"), "passkey_challenge", ["account_id"], unique=False
    )
    _table(
        "pending_sign_in",
        sa.Column("factor", sa.String(length=32), nullable=False),
        sa.Column("target", sa.String(length=2000), nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("failures", sa.BigInteger(), server_default="0", nullable=False),
        of_account=True,
    )
    op.create_index(op.f("ix_pending_sign_in_account_id"), "pending_sign_in", ["account_id"], unique=False)
    _table(
        "recovery_code",
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("used_at", _TIME, nullable=True),
        sa.UniqueConstraint("account_id", "code_hash", name=op.f("uq_recovery_code_account_id_code_hash")),
        of_account=True,
    )
    op.create_table(
        "totp",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("secret", sa.String(length=400), nullable=False),
        sa.Column("confirmed_at", _TIME, nullable=True),
        sa.Column("last_counter", sa.BigInteger(), nullable=True),
        sa.Column("created_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_totp_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_totp")),
    )
    op.add_column(
        "account",
        sa.Column(
            "kind",
            sa.Enum(
                "person", "machine", name="accountkind", native_enum=False, create_constraint=True, length=32
            ),
            server_default="person",
            nullable=False,
        ),
    )
    op.add_column("account", sa.Column("manager", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("account", sa.Column("activated_at", _TIME, nullable=True))
    op.add_column("account", sa.Column("signed_in_at", _TIME, nullable=True))
    op.add_column(
        "account", sa.Column("locale", sa.String(length=16), server_default="en-GB", nullable=False)
    )
    op.add_column(
        "account", sa.Column("time_zone", sa.String(length=64), server_default="UTC", nullable=False)
    )
    op.add_column("account", sa.Column("unwanted", _JSON, server_default=sa.text("'[]'"), nullable=False))
    op.create_index(op.f("ix_account_name_id"), "account", ["name", "id"], unique=False)
    op.create_index(op.f("ix_account_organisation_id"), "account", ["organisation_id"], unique=False)
    op.add_column("audit_event", sa.Column("actor_role", sa.String(length=32), nullable=True))
    op.add_column("audit_event", sa.Column("on_behalf_of", sa.String(length=254), nullable=True))
    op.add_column("audit_event", sa.Column("means", sa.String(length=100), nullable=True))
    op.add_column("audit_event", sa.Column("account_id", sa.Uuid(), nullable=True))
    op.add_column("organisation", sa.Column("retention_days", sa.BigInteger(), nullable=True))
    op.add_column(
        "organisation", sa.Column("contacts", _JSON, server_default=sa.text("'[]'"), nullable=False)
    )
    op.add_column("organisation", sa.Column("suspended_at", _TIME, nullable=True))
    op.add_column(
        "sign_in_session", sa.Column("factors", _JSON, server_default=sa.text("'[]'"), nullable=False)
    )
    op.create_check_constraint(
        op.f("ck_account_managers_are_customers"), "account", "NOT manager OR role = 'customer'"
    )
    op.create_check_constraint(
        op.f("ck_account_machines"),
        "account",
        "kind = 'person' OR (role = 'customer' AND password_hash IS NULL)",
    )
    # Who could sign in until now came in then.
    op.execute("UPDATE account SET activated_at = created_at WHERE password_hash IS NOT NULL")
    _replace_events(*_EVENTS, *_NEW_EVENTS)


def _replace_events(*events: str) -> None:
    op.drop_constraint("ck_delivery_event", "delivery")
    op.execute(f"ALTER TABLE delivery ADD CONSTRAINT ck_delivery_event CHECK (event IN {events}) NOT VALID")


def _table(name: str, *parts: sa.schema.SchemaItem, of_account: bool = False) -> None:
    """Make a table with a random key and a time of creation, perhaps of what goes with an account."""
    if of_account:
        optional = any(isinstance(part, sa.Column) and part.name == "account_id" for part in parts)
        account = () if optional else (sa.Column("account_id", sa.Uuid(), nullable=False),)
        link = sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=f"fk_{name}_account_id", ondelete="CASCADE"
        )
        parts = (*account, *parts, link)
    op.create_table(
        name,
        *parts,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )


def downgrade() -> None:
    """Take back. What was told of accounts is forgotten: the release before has no words for it."""
    op.execute(f"DELETE FROM delivery WHERE event IN {_NEW_EVENTS}")  # noqa: S608  # names of our own
    _replace_events(*_EVENTS)
    op.drop_constraint("ck_account_machines", "account")
    op.drop_constraint("ck_account_managers_are_customers", "account")
    op.drop_column("sign_in_session", "factors")
    op.drop_column("organisation", "suspended_at")
    op.drop_column("organisation", "contacts")
    op.drop_column("organisation", "retention_days")
    op.drop_column("audit_event", "account_id")
    op.drop_column("audit_event", "means")
    op.drop_column("audit_event", "on_behalf_of")
    op.drop_column("audit_event", "actor_role")
    op.drop_index(op.f("ix_account_organisation_id"), table_name="account")
    op.drop_index(op.f("ix_account_name_id"), table_name="account")
    op.drop_column("account", "unwanted")
    op.drop_column("account", "time_zone")
    op.drop_column("account", "locale")
    op.drop_column("account", "signed_in_at")
    op.drop_column("account", "activated_at")
    op.drop_column("account", "manager")
    op.drop_column("account", "kind")
    op.drop_table("totp")
    op.drop_table("recovery_code")
    op.drop_table("pending_sign_in")
    op.drop_table("passkey_challenge")
    op.drop_table("passkey")
    op.drop_table("account_link")
    op.drop_table("organisation_domain")
    op.drop_table("try_count")
