"""What customers may read of what is told, and what goes along with a bundle, or with a case, of others'.

A customer's transaction writes down what only staff hears of, such as that a ticket was used, and reads none
of it: those rows name staff. So what has to happen to such rows with a deed of a customer's happens here.
"""

from alembic import op

revision = "0017_told_walls"
down_revision = "0016_put_off"

_OURS = "organisation_id = (SELECT diagport_organisation())"
#: `domain.events.heard_by` of customers; and whatever is about an account of theirs.
_HEARD = (
    "upload.received",
    "upload.expiring",
    "upload.rejected",
    "upload.clean",
    "upload.infected",
    "upload.unscannable",
    "upload.recalled",
    "upload.downloaded",
    "upload.deletion_due",
    "upload.deleted",
    "quota.near",
)
_THEIRS = (
    f"({_OURS}) AND (account_id IS NULL AND event IN {_HEARD}"  # noqa: S608  # names of our own
    " OR EXISTS (SELECT 1 FROM account WHERE account.id = account_id))"
)
_POLICIES = {
    "tenant_read": f"FOR SELECT TO diagport_tenant USING ({_THEIRS})",
    "tenant_add": f"FOR INSERT TO diagport_tenant WITH CHECK ({_OURS})",
    "tenant_change": f"FOR UPDATE TO diagport_tenant USING ({_OURS})",
    "tenant_forget": f"FOR DELETE TO diagport_tenant USING ({_OURS})",
}

# Whoever deletes a bundle: nothing that was told of it stays, nor who has seen it.
_FORGET = """
CREATE FUNCTION forget_told() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    DELETE FROM event_record WHERE upload_id = NEW.id;
    DELETE FROM upload_sight WHERE upload_id = NEW.id;
    RETURN NULL;
END $$
"""
_FORGOTTEN = """
CREATE TRIGGER told_forgotten AFTER UPDATE OF state ON upload
FOR EACH ROW WHEN (NEW.state = 'deleted' AND OLD.state <> 'deleted') EXECUTE FUNCTION forget_told()
"""

# Who watched or muted a case, or wished to hear otherwise of it, does so of the case that takes its place,
# unless they have said something else of that one.
_SUCCEED = """
CREATE FUNCTION case_succeeds(gone uuid, heir uuid) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF (SELECT count(DISTINCT organisation_id) <> 1
            OR bool_or(organisation_id <> coalesce(diagport_organisation(), organisation_id))
        FROM support_case WHERE id IN (gone, heir)) THEN
        RAISE EXCEPTION 'cases of different organisations' USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO case_follow (account_id, case_id, follow, created_at)
        SELECT account_id, heir, follow, created_at FROM case_follow WHERE case_id = gone
        ON CONFLICT DO NOTHING;
    INSERT INTO subscription (id, account_id, event, organisation_id, case_id, way)
        SELECT gen_random_uuid(), account_id, event, organisation_id, heir, way
        FROM subscription WHERE case_id = gone
        ON CONFLICT DO NOTHING;
END $$
"""
_FUNCTIONS = ("forget_told()", "case_succeeds(uuid, uuid)")


def upgrade() -> None:
    """Apply."""
    op.execute("DROP POLICY tenant ON event_record")
    for name, policy in _POLICIES.items():
        op.execute(f"CREATE POLICY {name} ON event_record {policy}")
    # An upload's records go with it into another case.
    op.execute("GRANT UPDATE (case_id) ON event_record TO diagport_tenant")
    for function in (_FORGET, _SUCCEED):
        op.execute(function)
    for name in _FUNCTIONS:
        op.execute(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION case_succeeds(uuid, uuid) TO diagport_staff, diagport_tenant")
    op.execute(_FORGOTTEN)


def downgrade() -> None:
    """Take back."""
    op.execute("DROP TRIGGER told_forgotten ON upload")
    for name in _FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}")
    op.execute("REVOKE UPDATE (case_id) ON event_record FROM diagport_tenant")
    for name in _POLICIES:
        op.execute(f"DROP POLICY {name} ON event_record")
    op.execute(f"CREATE POLICY tenant ON event_record TO diagport_tenant USING ({_OURS})")
