"""A million uploads as a support team would have them after two years."""

from typing import Final

import psycopg

ORGANISATIONS: Final = 200
LARGE, SMALL = "org-001", "org-200"  # slugs: about a tenth and a thousandth of all uploads
COMMON, RARE, ABSENT, SHORT = "report", "zanzibar", "nowheretobefound", "qz"

_ORGANISATIONS = """
INSERT INTO organisation (id, slug, name)
SELECT gen_random_uuid(), 'org-' || to_char(n, 'FM000'), 'Organisation ' || n
FROM generate_series(1, %(organisations)s) n
"""

_ACCOUNTS = """
INSERT INTO account (id, email, name, role, organisation_id)
SELECT gen_random_uuid(), concat('sender-', n, '@', slug, '.example'), concat('Sender ', n, ' of ', name),
       'customer', organisation.id
FROM organisation, generate_series(1, 3) n WHERE slug LIKE 'org-%%'
"""

# Random by a fixed seed: every run has the same rows. The n-th organisation sends in proportion
# to 1 / (n + 2). Rows lie in the order of time, as they do in a table that mostly grows.
_UPLOADS = """
INSERT INTO upload (id, organisation_id, uploader_id, door, filename, case_reference, note,
    declared_bytes, received_bytes, size, sha256, state, storage_name, storage_key, storage_version,
    sealed_at, active_at, created_at)
WITH sender AS MATERIALIZED (
    SELECT account.id, organisation_id, row_number() OVER (ORDER BY slug, email) - 1 AS place
    FROM account JOIN organisation ON organisation.id = organisation_id WHERE slug LIKE 'org-%%'
), dice AS MATERIALIZED (
    SELECT n, floor(2 * (pow(%(organisations)s / 2.0 + 1, random()) - 1))::int * 3 + n %% 3 AS place,
        random() AS fate, random() AS a, random() AS b, random() AS c,
        now() - interval '2 years' * ((%(rows)s - n + random()) / %(rows)s) AS at
    FROM generate_series(1, %(rows)s) n
), born AS (
    SELECT *, 5000000 + floor(b * 1e8)::bigint AS bytes,
        CASE WHEN n > %(rows)s - 40 THEN CASE WHEN fate < 0.5 THEN 'receiving' ELSE 'sealed' END
             WHEN fate < 0.95 THEN 'clean' WHEN fate < 0.97 THEN 'deleted' WHEN fate < 0.98 THEN 'rejected'
             WHEN fate < 0.99 THEN 'abandoned' WHEN fate < 0.995 THEN 'infected'
             ELSE 'unscannable' END AS state
    FROM dice
)
SELECT gen_random_uuid(), organisation_id, sender.id, (ARRAY['tus', 'put', 'form'])[1 + n %% 3],
    concat_ws('-', CASE WHEN a < 0.4 THEN 'sosreport' WHEN a < 0.7 THEN 'support-bundle' ELSE 'diag' END,
        (ARRAY['web', 'db', 'rabbitmq', 'kafka', 'edge', 'node', 'build', 'mail', 'cache', 'queue'])
            [1 + floor(b * 10)::int],
        to_char(c * 1000, 'FM000'), to_char(at, 'YYYY-MM-DD')) || '.tgz',
    CASE WHEN b < 0.7 THEN 'CS-' || 10000 + n / 4 END,
    CASE WHEN n %% 20000 = 7 THEN 'Only seen in zanzibar.'
        WHEN c < 0.3 THEN (ARRAY['The service restarts every night since the update.',
            'Disk full after the backup.', 'Slow since Monday, see the attached logs.',
            'Asked for by support.', 'Crash on start, core dump is inside.'])[1 + floor(a * 5)::int] END,
    bytes, CASE state WHEN 'receiving' THEN 0 ELSE bytes END,
    CASE WHEN arrived THEN bytes END, CASE WHEN arrived THEN md5(n::text) || md5(n::text) END,
    state, 'filesystem', 'bench/' || n, CASE WHEN arrived THEN n::text END, at, at, at
FROM born JOIN sender USING (place), LATERAL (
    SELECT state NOT IN ('receiving', 'rejected', 'abandoned') AS arrived) AS whether
"""

_SCANS = """
INSERT INTO scan (upload_id, verdict, storage_version, findings, members_total, members_scanned,
    bytes_expanded, bytes_scanned, engine, signatures, seconds, scanned_at)
SELECT id, state, storage_version,
    CASE state WHEN 'infected' THEN '[{"member": "a/b", "signature": "Eicar"}]' ELSE '[]' END::jsonb,
    1200, 1200, 50000000, 50000000, 'ClamAV 1.4.6', '27450', 3.5, created_at
FROM upload WHERE state IN ('clean', 'infected', 'unscannable')
"""

#: Table and trigger that counts for metrics row by row, which takes as long as all else.
_COUNTED: Final = (("upload", "counted_insert"), ("scan", "counted"))


def fill(connection: "psycopg.Connection[tuple[object, ...]]", rows: int) -> None:
    """Insert organisations, senders, uploads and verdicts; collect the planner's statistics.

    Bulk loads fill tables first and index them after; so do we, with the migration's own definitions.
    """
    values = {"rows": rows, "organisations": ORGANISATIONS}
    with connection.transaction():
        connection.execute("SET LOCAL synchronous_commit = off")
        connection.execute("SET LOCAL max_parallel_workers_per_gather = 0")
        connection.execute("SET LOCAL maintenance_work_mem = '1GB'")
        connection.execute("SELECT setseed(0.5)")
        indexes = connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'upload' AND indexname LIKE 'ix_%'"
        ).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}".encode())
        for table, trigger in _COUNTED:
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}".encode())
        for statement in (_ORGANISATIONS, _ACCOUNTS, _UPLOADS):
            connection.execute(statement, values)
        connection.execute(_SCANS)
        for table, trigger in _COUNTED:
            connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER {trigger}".encode())
        for _, definition in indexes:
            connection.execute(str(definition).encode())
    connection.execute("VACUUM ANALYZE")
