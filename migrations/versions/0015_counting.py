"""Every upload, verdict, delivery and sign-in is counted from here on, whoever writes it.

Each step commits for itself, so that no two tables are locked at once; a run that was broken off is simply
run again. Uploads by state are counted once, which keeps writers of that table waiting for about a second
per million rows. What happened before is in no total: Prometheus takes a counter that begins anew as such.
"""

from typing import Final

from alembic import op

revision = "0015_counting"
down_revision = "0014_counted"

#: Triggers by table: name, event, condition, function.
_TRIGGERS: Final = {
    "upload": (
        ("counted_insert", "INSERT", "NOT NEW.partial", "count_upload"),
        ("counted_update", "UPDATE OF state", "NOT NEW.partial AND NEW.state <> OLD.state", "count_upload"),
        ("counted_delete", "DELETE", "NOT OLD.partial", "count_upload"),
    ),
    "scan": (("counted", "INSERT OR UPDATE OF scanned_at", "true", "count_scan"),),
    "delivery": (
        (
            "counted",
            "UPDATE OF sent_at, dead_at, failures",
            "OLD.* IS DISTINCT FROM NEW.*",
            "count_delivery",
        ),
    ),
    "audit_event": (
        ("counted", "INSERT", "NEW.action IN ('session.begun', 'session.refused')", "count_sign_in"),
    ),
}
_TRIGGER = (
    "CREATE OR REPLACE TRIGGER {name} AFTER {event} ON {table}"
    " FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION {function}()"
)
# A block is one transaction: between the count and the first mark nobody changes an upload.
_BLOCK = "DO $counting$ BEGIN {statements}; END $counting$"
_BY_STATE = (
    "DELETE FROM counter WHERE name = 'uploads'",
    "DELETE FROM counter_mark WHERE name = 'uploads'",
    "INSERT INTO counter SELECT 'uploads', state, count(*) FROM upload WHERE NOT partial GROUP BY state",
)


def upgrade() -> None:
    """Apply, while either release goes on."""
    with op.get_context().autocommit_block():
        for table, triggers in _TRIGGERS.items():
            statements = [
                _TRIGGER.format(name=name, event=event, table=table, condition=condition, function=function)
                for name, event, condition, function in triggers
            ]
            if table == "upload":
                statements += _BY_STATE
            op.execute(_BLOCK.format(statements="; ".join(statements)))


def downgrade() -> None:
    """Take back."""
    for table, triggers in _TRIGGERS.items():
        for name, *_ in triggers:
            op.execute(f"DROP TRIGGER {name} ON {table}")
