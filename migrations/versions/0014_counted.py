"""Totals of what happened, for `/metrics`: a table of sums, a table of what is to be added, who counts.

Only additions. 0015 hangs the functions onto the tables whose rows they count.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014_counted"
down_revision = "0013_kept_filled"

_TABLES = ("counter", "counter_mark")
_FUNCTION = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
{body}
END $$
"""
_ADD = "INSERT INTO public.counter_mark (name, label, amount) VALUES"
_BODIES = {
    "count_upload": """
BEGIN
    IF TG_OP <> 'INSERT' THEN {add} ('uploads', OLD.state, -1); END IF;
    IF TG_OP <> 'DELETE' THEN {add} ('uploads', NEW.state, 1); END IF;
    IF TG_OP = 'UPDATE' THEN
        IF NEW.state = 'sealed' AND OLD.state = 'receiving' THEN
            {add} ('outcomes', 'received', 1), ('received_bytes', '', NEW.size);
        ELSIF NEW.state IN ('rejected', 'abandoned', 'deleted', 'integrity_failed') THEN
            {add} ('outcomes', NEW.state, 1);
        END IF;
    END IF;
    RETURN NULL;""",
    "count_scan": """
BEGIN
    {add} ('verdicts', NEW.verdict, 1), ('scanned_bytes', '', NEW.bytes_scanned),
        ('scan_seconds', '', NEW.seconds),
        ('scans_within', coalesce(
            (SELECT min(bound) FROM unnest(ARRAY[0.5, 1, 2, 5, 10, 30, 60, 300, 1800]) AS bound
             WHERE NEW.seconds <= bound)::float8::text, '+Inf'), 1);
    RETURN NULL;""",
    "count_delivery": """
DECLARE
    kind text := coalesce((SELECT kind FROM public.channel WHERE id = NEW.channel_id), 'email');
BEGIN
    IF NEW.failures > OLD.failures THEN {add} ('deliveries', kind || ' failed', 1); END IF;
    IF NEW.sent_at IS NOT NULL AND OLD.sent_at IS NULL THEN {add} ('deliveries', kind || ' sent', 1); END IF;
    IF NEW.dead_at IS NOT NULL AND OLD.dead_at IS NULL THEN
        {add} ('deliveries', kind || CASE WHEN NEW.overtaken THEN ' overtaken' ELSE ' dead' END, 1);
    END IF;
    RETURN NULL;""",
    "count_sign_in": """
BEGIN
    IF NEW.action = 'session.begun' THEN
        {add} ('sign_ins', 'begun ' || coalesce((
            SELECT string_agg(factor, '+' ORDER BY factor)
            FROM jsonb_array_elements_text(NEW.detail -> 'factors') AS factor
            WHERE factor IN ('password', 'totp', 'recovery_code', 'passkey', 'provider')), 'other'), 1);
    ELSE
        {add} ('sign_ins', CASE WHEN NEW.detail ? 'provider' THEN 'refused provider'
            ELSE 'refused local' END, 1);
    END IF;
    RETURN NULL;""",
}


def upgrade() -> None:
    """Apply."""
    key = sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False)
    op.create_table("counter", *_columns(), sa.PrimaryKeyConstraint("name", "label", name="pk_counter"))
    op.create_table(
        "counter_mark", key, *_columns(), sa.PrimaryKeyConstraint("id", name=op.f("pk_counter_mark"))
    )
    for table in _TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO diagport_staff")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY staff ON {table} TO diagport_staff USING (true) WITH CHECK (true)")
    for name, body in _BODIES.items():
        op.execute(_FUNCTION.format(name=name, body=body.format(add=_ADD)))
        # Who could hang it on a table of their own could make the totals what they like.
        op.execute(f"REVOKE ALL ON FUNCTION {name}() FROM PUBLIC")


def _columns() -> tuple[sa.Column[str], sa.Column[str], sa.Column[float]]:
    return (
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("amount", sa.Float(precision=53), nullable=False),
    )


def downgrade() -> None:
    """Take back."""
    for name in _BODIES:
        op.execute(f"DROP FUNCTION {name}()")
    for table in _TABLES:
        op.drop_table(table)
