"""Whom we believe when they say who somebody is: identity providers, token issuers.

Only additions, which the running release does not see.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007_identity"
down_revision = "0006_people"

_TIME = sa.DateTime(timezone=True)
_JSON = postgresql.JSONB(astext_type=sa.Text())


def upgrade() -> None:
    """Apply."""
    _table(
        "identity_provider",
        sa.Column("slug", sa.String(length=63), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("issuer", sa.String(length=500), nullable=False),
        sa.Column("client_id", sa.String(length=200), nullable=False),
        sa.Column("client_secret", sa.String(length=1000), nullable=True),
        sa.Column("domains", _JSON, server_default=sa.text("'[]'"), nullable=False),
        sa.Column("for_staff", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("create_accounts", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("mapping", _JSON, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("listed", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("disabled_at", _TIME, nullable=True),
        sa.CheckConstraint(
            "NOT (for_staff AND organisation_id IS NOT NULL)",
            name=op.f("ck_identity_provider_for_staff_or_one"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_identity_provider_organisation_id")
        ),
        sa.UniqueConstraint("slug", name=op.f("uq_identity_provider_slug")),
    )
    _table(
        "identity",
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("last_used_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["provider_id"],
            ["identity_provider.id"],
            name=op.f("fk_identity_provider_id"),
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint("provider_id", "subject", name=op.f("uq_identity_provider_id_subject")),
        of_account=True,
    )
    _table(
        "provider_sign_in",
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("state_hash", sa.String(length=64), nullable=False),
        sa.Column("browser_hash", sa.String(length=64), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("verifier", sa.String(length=128), nullable=False),
        sa.Column("target", sa.String(length=2000), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["provider_id"],
            ["identity_provider.id"],
            name=op.f("fk_provider_sign_in_provider_id"),
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint("state_hash", name=op.f("uq_provider_sign_in_state_hash")),
    )
    _table(
        "token_issuer",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("issuer", sa.String(length=500), nullable=False),
        sa.Column("audience", sa.String(length=500), nullable=False),
        sa.Column("client_id", sa.String(length=200), nullable=False),
        sa.Column("jwks_url", sa.String(length=500), nullable=False),
        sa.Column("algorithms", _JSON, nullable=False),
        sa.Column("scopes", _JSON, nullable=False),
        sa.Column("disabled_at", _TIME, nullable=True),
        sa.Column("last_used_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_token_issuer_account_id")),
        sa.UniqueConstraint("account_id", name=op.f("uq_token_issuer_account_id")),
        sa.UniqueConstraint(
            "issuer", "audience", "client_id", name=op.f("uq_token_issuer_issuer_audience_client_id")
        ),
    )
    op.create_index(op.f("ix_provider_sign_in_expires_at"), "provider_sign_in", ["expires_at"], unique=False)
    op.create_index(op.f("ix_identity_account_id"), "identity", ["account_id"], unique=False)
    op.add_column("sign_in_session", sa.Column("provider_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_sign_in_session_provider_id"),
        "sign_in_session",
        "identity_provider",
        ["provider_id"],
        ["id"],
        ondelete="CASCADE",
    )


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
    """Take back."""
    op.drop_constraint(op.f("fk_sign_in_session_provider_id"), "sign_in_session", type_="foreignkey")
    op.drop_column("sign_in_session", "provider_id")
    op.drop_table("token_issuer")
    op.drop_table("provider_sign_in")
    op.drop_table("identity")
    op.drop_table("identity_provider")
