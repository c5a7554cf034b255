"""Telling people: what happened, channels, notices, subscriptions; and what periodic work came to.

Only additions, but for a column that no release has known: what people do without becomes subscriptions.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011_told"
down_revision = "0010_audit_filled"

_TIME = sa.DateTime(timezone=True)
_JSON = postgresql.JSONB(astext_type=sa.Text())
_NEW_EVENTS = (
    "upload.started",
    "upload.rejected",
    "upload.released",
    "upload.downloaded",
    "upload.assigned",
    "upload.deletion_due",
    "upload.deleted",
    "ticket.used",
    "ticket.expiring",
    "account.new_device",
    "quota.near",
    "queue.stuck",
    "channel.paused",
    "channel.test",
    "digest",
)
_OLD_EVENTS = (
    "upload.received",
    "upload.expiring",
    "upload.clean",
    "upload.infected",
    "upload.unscannable",
    "upload.recalled",
    "upload.integrity_failed",
    "ticket.issued",
    "account.invited",
    "account.reset",
    "account.changed",
    "gate.closed",
    "gate.opened",
)
_EVENTS = (*_OLD_EVENTS, *_NEW_EVENTS)
#: Whose a row is, and what customers may do to it, by table (0008 has the rest).
_OURS = "(SELECT diagport_organisation())"
_OF_ACCOUNT = "EXISTS (SELECT 1 FROM account WHERE account.id = account_id)"
_TENANT = {
    "event_record": (f"organisation_id = {_OURS}", "SELECT, INSERT"),
    "notice": (_OF_ACCOUNT, "SELECT, UPDATE (read_at, digest_at)"),
    "subscription": (_OF_ACCOUNT, "SELECT, INSERT, UPDATE, DELETE"),
    "case_follow": (_OF_ACCOUNT, "SELECT, INSERT, UPDATE, DELETE"),
    "upload_sight": (_OF_ACCOUNT, "SELECT, INSERT, UPDATE, DELETE"),
    "known_device": (_OF_ACCOUNT, "SELECT, INSERT, UPDATE, DELETE"),
}
_STAFF = ("channel", "step_run")
_TABLES = (*_STAFF, *_TENANT)
_TO_DELIVERY = (("record_id", "event_record"), ("channel_id", "channel"), ("account_id", "account"))


def upgrade() -> None:
    """Apply."""
    _make_tables()
    for table in _TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO diagport_staff")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY staff ON {table} TO diagport_staff USING (true) WITH CHECK (true)")
    for table, (ours, may) in _TENANT.items():
        op.execute(f"GRANT {may} ON {table} TO diagport_tenant")
        op.execute(f"CREATE POLICY tenant ON {table} TO diagport_tenant USING ({ours})")
    for column, table in _TO_DELIVERY:
        op.add_column("delivery", sa.Column(column, sa.Uuid(), nullable=True))
        name = op.f(f"fk_delivery_{column}")
        op.create_foreign_key(name, "delivery", table, [column], ["id"], ondelete="CASCADE")
    op.add_column("delivery", sa.Column("overtaken", sa.Boolean(), server_default="false", nullable=False))
    _replace_events(_EVENTS)
    op.add_column("account", sa.Column("quiet_from", sa.Time(), nullable=True))
    op.add_column("account", sa.Column("quiet_until", sa.Time(), nullable=True))
    op.add_column("account", sa.Column("digest_at", sa.Time(), server_default="08:00", nullable=False))
    op.create_check_constraint(
        op.f("ck_account_quiet_hours_end"), "account", "(quiet_from IS NULL) = (quiet_until IS NULL)"
    )
    op.execute("GRANT UPDATE (quiet_from, quiet_until, digest_at) ON account TO diagport_tenant")
    op.execute(
        "INSERT INTO subscription (id, account_id, event, way) SELECT gen_random_uuid(), id, event, 'off'"
        " FROM account, jsonb_array_elements_text(unwanted) AS event"
    )
    op.drop_column("account", "unwanted")


def _replace_events(events: tuple[str, ...]) -> None:
    op.drop_constraint("ck_delivery_event", "delivery")
    op.execute(f"ALTER TABLE delivery ADD CONSTRAINT ck_delivery_event CHECK (event IN {events}) NOT VALID")


def _make_tables() -> None:
    _table(
        "channel",
        _enum("kind", "channelkind", "email", "sns", "webhook", "slack", "teams"),
        sa.Column("name", sa.String(length=100), nullable=False),
        _link("organisation", nullable=True),
        sa.Column("events", _JSON, server_default=sa.text("'[]'"), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("shown", sa.String(length=200), nullable=False),
        sa.Column("failures", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_sent_at", _TIME, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("paused_at", _TIME, nullable=True),
        sa.Column("paused_why", sa.Text(), nullable=True),
        sa.Column("removed_at", _TIME, nullable=True),
    )
    op.create_index(op.f("ix_channel_organisation_id"), "channel", ["organisation_id"])
    _table(
        "event_record",
        _enum("event", "event", *_EVENTS),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("payload", _JSON, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("told", _JSON, server_default=sa.text("'{}'"), nullable=False),
        _link("upload", nullable=True),
        # A case that goes away takes nothing along of what is told.
        _link("support_case", "case_id", nullable=True, ondelete="SET NULL"),
        _link("organisation", nullable=True),
        _link("account", nullable=True),
        sa.Column("dedupe_key", sa.String(length=64), nullable=False),
        sa.Column("spread_at", _TIME, nullable=True),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_event_record_dedupe_key")),
    )
    unspread = sa.text("spread_at IS NULL")
    op.create_index("ix_event_record_unspread", "event_record", ["created_at"], postgresql_where=unspread)
    for column in ("account_id", "case_id", "created_at", "organisation_id", "upload_id"):
        op.create_index(op.f(f"ix_event_record_{column}"), "event_record", [column])
    _table(
        "notice",
        _link("account"),
        _link("event_record", "record_id"),
        sa.Column("read_at", _TIME, nullable=True),
        sa.Column("digest_at", _TIME, nullable=True),
        sa.UniqueConstraint("account_id", "record_id", name=op.f("uq_notice_account_id_record_id")),
    )
    op.create_index(op.f("ix_notice_account_id_created_at_id"), "notice", ["account_id", "created_at", "id"])
    for column in ("created_at", "record_id"):
        op.create_index(op.f(f"ix_notice_{column}"), "notice", [column])
    op.create_index("ix_notice_unread", "notice", ["account_id"], postgresql_where=sa.text("read_at IS NULL"))
    for name, column in (("read", "read_at"), ("digest", "digest_at")):
        known = sa.text(f"{column} IS NOT NULL")
        op.create_index(f"ix_notice_{name}", "notice", [column], postgresql_where=known)
    _table(
        "subscription",
        _link("account"),
        _enum("event", "event", *_EVENTS),
        _link("organisation", nullable=True),
        _link("support_case", "case_id", nullable=True),
        _enum("way", "way", "now", "digest", "portal", "off"),
        sa.UniqueConstraint(
            "account_id",
            "event",
            "organisation_id",
            "case_id",
            name=op.f("uq_subscription_account_id_event_organisation_id_case_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index(op.f("ix_subscription_organisation_id"), "subscription", ["organisation_id"])
    op.create_index(op.f("ix_subscription_case_id"), "subscription", ["case_id"])
    _table(
        "known_device",
        _link("account"),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("last_seen_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.UniqueConstraint("account_id", "token_hash", name=op.f("uq_known_device_account_id_token_hash")),
    )
    op.create_table(
        "case_follow",
        _link("account"),
        _link("support_case", "case_id"),
        _enum("follow", "follow", "watch", "mute"),
        sa.Column("created_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "case_id", name=op.f("pk_case_follow")),
    )
    op.create_index(op.f("ix_case_follow_case_id"), "case_follow", ["case_id"])
    op.create_table(
        "upload_sight",
        _link("account"),
        _link("upload"),
        sa.Column("seen_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "upload_id", name=op.f("pk_upload_sight")),
    )
    op.create_index(op.f("ix_upload_sight_upload_id"), "upload_sight", ["upload_id"])
    op.create_table(
        "step_run",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("finished_at", _TIME, nullable=True),
        sa.Column("next_at", _TIME, nullable=True),
        sa.Column("failures", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("result", _JSON, server_default=sa.text("'{}'"), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_step_run")),
    )


def _table(name: str, *parts: sa.schema.SchemaItem) -> None:
    op.create_table(
        name,
        *parts,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )


def _link(
    table: str, column: str | None = None, *, nullable: bool = False, ondelete: str = "CASCADE"
) -> sa.Column[object]:
    key = sa.ForeignKey(f"{table}.id", ondelete=ondelete)
    return sa.Column(column or f"{table}_id", sa.Uuid(), key, nullable=nullable)


def _enum(column: str, name: str, *values: str) -> sa.Column[str]:
    kind = sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)
    return sa.Column(column, kind, nullable=False)


def downgrade() -> None:
    """Take back. What the release before has no words for is forgotten."""
    none = sa.text("'[]'")
    op.add_column("account", sa.Column("unwanted", _JSON, server_default=none, nullable=False))
    op.execute(
        "UPDATE account SET unwanted = (SELECT jsonb_agg(event) FROM subscription"
        " WHERE account_id = account.id AND way = 'off' AND organisation_id IS NULL AND case_id IS NULL)"
        " WHERE id IN (SELECT account_id FROM subscription"
        " WHERE way = 'off' AND organisation_id IS NULL AND case_id IS NULL)"
    )
    op.execute("GRANT UPDATE (unwanted) ON account TO diagport_tenant")
    op.drop_constraint("ck_account_quiet_hours_end", "account")
    for column in ("digest_at", "quiet_until", "quiet_from"):
        op.drop_column("account", column)
    op.execute(f"DELETE FROM delivery WHERE event IN {_NEW_EVENTS} OR channel_id IS NOT NULL")  # noqa: S608
    _replace_events(_OLD_EVENTS)
    op.drop_column("delivery", "overtaken")
    for column, _ in _TO_DELIVERY:
        op.drop_column("delivery", column)
    for table in ("step_run", "upload_sight", "case_follow", "known_device", "subscription", "notice"):
        op.drop_table(table)
    op.drop_table("event_record")
    op.drop_table("channel")
