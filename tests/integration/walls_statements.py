"""Statements that try to get over the walls between organisations."""

#: What changes nothing: a customer's transaction does not see it. ":ours" and ":theirs" are organisations.
WRITES = {
    "take a foreign upload": "UPDATE upload SET organisation_id = :ours WHERE organisation_id = :theirs",
    "suspend foreign accounts": "UPDATE account SET active = false WHERE organisation_id = :theirs",
    "end foreign sessions": "DELETE FROM sign_in_session WHERE account_id <> ALL (SELECT id FROM account)",
    "remove foreign tokens": "DELETE FROM api_token WHERE account_id <> ALL (SELECT id FROM account)",
    "remove foreign cases": "DELETE FROM support_case WHERE organisation_id = :theirs",
}

#: What PostgreSQL refuses in a customer's transaction.
REFUSED = {
    "give an upload away": "UPDATE upload SET organisation_id = :theirs",
    "give an account away": "UPDATE account SET organisation_id = :theirs",
    "become a manager": "UPDATE account SET manager = true",
    "another's address": "UPDATE account SET email = 'x@y.example'",
    "another role": "UPDATE account SET role = 'customer'",
    "another name": "UPDATE account SET name = 'x'",
    "become a machine": "UPDATE account SET kind = 'machine'",
    "become staff": "UPDATE account SET role = 'admin', organisation_id = NULL",
    "a case for them": "INSERT INTO support_case (id, organisation_id, reference, title)"
    " VALUES (gen_random_uuid(), :theirs, 'X', '')",
    "an account with them": "INSERT INTO account (id, organisation_id, email, name, role)"
    " VALUES (gen_random_uuid(), :theirs, 'x@y.example', 'x', 'customer')",
    "an account of nobody's": "INSERT INTO account (id, email, name, role)"
    " VALUES (gen_random_uuid(), 'x@y.example', 'x', 'engineer')",
    "a token of theirs": "INSERT INTO api_token (id, account_id, name, token_hash)"
    " VALUES (gen_random_uuid(), :person, 'x', 'x')",
    "a passkey of theirs": "INSERT INTO passkey (id, account_id, name, credential_id, public_key, transports,"
    " backed_up) VALUES (gen_random_uuid(), :person, 'x', 'x', 'x', '[]', false)",
    "a mail about theirs": "INSERT INTO delivery (id, event, upload_id, recipient, dedupe_key)"
    " VALUES (gen_random_uuid(), 'upload.clean', :upload, 'x@y.example', 'x')",
    "a mail to them": "INSERT INTO delivery (id, event, recipient, dedupe_key)"
    " VALUES (gen_random_uuid(), 'account.reset', :email, 'x')",
    "a trail of theirs": "INSERT INTO audit_event (action, actor_label, organisation_id)"
    " VALUES ('x', 'x', :theirs)",
    "a trail of nobody's": "INSERT INTO audit_event (action, actor_label) VALUES ('x', 'x')",
    "more quota": "UPDATE organisation SET quota_bytes = NULL",
    "no suspension": "UPDATE organisation SET suspended_at = NULL",
    "a ticket that lasts": "UPDATE ticket SET expires_at = now() + interval '9 years'",
    "a clean verdict": "UPDATE scan SET verdict = 'clean'",
    "no trail": "DELETE FROM audit_event",
    "another trail": "UPDATE audit_event SET actor_label = 'x'",
    "no walls": "ALTER TABLE upload DISABLE ROW LEVEL SECURITY",
    "no policy": "DROP POLICY tenant ON upload",
    "no table": "DROP TABLE upload",
    "nothing left": "TRUNCATE upload CASCADE",
    "a table of one's own": "CREATE TABLE public.mine (id int)",
    "no triggers": "SET session_replication_role = replica",
    "the owner": "SET ROLE diagport",
    "a link in the chain": "SELECT audit_append(audit_event) FROM audit_event",
}

#: What it refuses even to staff's.
STAFFS_LIMITS = [
    "ALTER TABLE upload DISABLE ROW LEVEL SECURITY",
    "DROP TABLE try_count",
    "TRUNCATE audit_event CASCADE",
    "DELETE FROM audit_event",
    "UPDATE audit_event SET actor_label = 'x'",
    "UPDATE audit_chain SET hash = 'x'",
    "INSERT INTO audit_chain VALUES (0, 0, 'x')",
    "DROP TRIGGER chain ON audit_event",
    "ALTER TABLE audit_event DISABLE TRIGGER chain",
    "SET session_replication_role = replica",
    "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "SET ROLE diagport",
]
