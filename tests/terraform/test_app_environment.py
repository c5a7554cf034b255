"""What the portal reads from its environment, and what the task definitions give it: the same, both ways."""

import re
from pathlib import Path
from typing import Final, get_args

import pytest
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from app.migrating.settings import MigrationSettings
from app.settings import Settings
from tests.terraform import given

#: What stays at its default, by why. `settings` (terraform/variables_services.tf) may give any of these.
DEFAULTS: Final = {
    "people ask for the portal by the name in its address alone": {"TRUSTED_HOSTS"},
    "the database is told of in parts, each from where it is kept": {"DATABASE_URL"},
    "AWS is reached as it is, by the task's own role": {
        "S3_ENDPOINT",
        "S3_ACCESS_KEY",
        "S3_SECRET_KEY",
        "AWS_ENDPOINT",
    },
    "nobody scrapes: metrics leave as EMF": {"METRICS_NETWORKS"},
    "no collector of traces is part of this": {"OTLP_ENDPOINT"},
    "AWS Backup touches no file of ours": {"BACKUP_HINT"},
    "the life cycle of the bucket counts on it (terraform/s3.tf)": {"RESUMABLE_FOR"},
    "the shape of what is sent and how long a sender may be silent: the same everywhere": {
        "CHECKPOINT_BYTES",
        "BODY_TIMEOUT",
        "BODY_MIN_RATE",
        "BODY_RATE_WINDOW",
        "MAX_OPEN_BODIES",
        "WEB_RESERVED_THREADS",
        "ABANDONED_AFTER",
    },
    "how long proofs of who somebody is last: decided in the code, tested there": {
        "ADMIN_SESSION_IDLE",
        "ADMIN_SESSION_LIFETIME",
        "SECOND_FACTOR_SECONDS",
        "RESET_LIFETIME",
        "STEP_UP_SECONDS",
    },
    "limits of what one bundle may cost, measured against the size of a worker task": {
        "BUNDLE_RATIO",
        "BUNDLE_EXPANDED_BYTES",
        "BUNDLE_MEMBERS",
        "BUNDLE_PATH_BYTES",
        "BUNDLE_SECONDS",
        "BUNDLE_DEPTH",
    },
    "how scanning goes about it, which fits clamd's settings in the image": {
        "CLAMD_TIMEOUT",
        "SCAN_LEASE",
        "SCAN_ATTEMPTS",
        "SCAN_CONNECTIONS",
        "SCAN_LARGE_BYTES",
        "PROBE_PADDING_BYTES",
    },
    "the load balancer sends to this port": {"BIND"},
    "migrations: the tables' owner is told of in parts, the login by its name": {
        "MIGRATION_URL",
        "DATABASE_LOGIN",
    },
    "migrations: how long one waits for a lock suits a database of any size": {"MIGRATION_LOCK_TIMEOUT"},
}

#: What one service is told and another is not, by why: service -> names.
ELSEWHERE: Final[dict[str, dict[str, set[str]]]] = {
    "the scanner is beside workers, and listens to their task alone": {
        "web": {"CLAMD_ADDRESS"},
        "scheduler": {"CLAMD_ADDRESS"},
    },
    "one task prints the metrics, and hears of uploads": {
        "web": {"EMF", "UPLOAD_EVENTS_QUEUE"},
        "worker": {"EMF", "UPLOAD_EVENTS_QUEUE"},
    },
    "connections, threads for them, and pages are the web's": {
        "worker": {"KEEPALIVE", "WEB_THREADS", "ASSETS_URL"},
        "scheduler": {"KEEPALIVE", "WEB_THREADS", "ASSETS_URL"},
    },
}

#: A value for each expression in terraform/ecs_environment.tf that is not one itself.
VALUES: Final = {
    "var.environment": "prod",
    "local.base_url": "https://upload.example.com",
    "aws_rds_cluster.portal.endpoint": "db.example.com",
    "tostring(aws_rds_cluster.portal.port)": "5432",
    "aws_rds_cluster.portal.database_name": "diagport",
    "local.database_authorities": __file__,  # any file that is there
    'local.on_efs ? "filesystem" : "s3"': "s3",
    "local.bundles_path": "/srv/bundles",
    "aws_s3_bucket.uploads.bucket": "diagport-prod-uploads-000000000000",
    "var.region": "eu-west-1",
    "var.mail.via": "ses",
    "var.mail.from": "Diagport <diagport@example.com>",
    "var.mail.smtp_host": "mail.example.com",
    "tostring(var.mail.smtp_port)": "587",
    "jsonencode(local.application_roles)": '{"STORAGE": {"DEFAULT": "arn:aws:iam::000000000000:role/x"}}',
    "tostring(local.keepalive_seconds)": "125",
    "tostring(local.stop_seconds - 10)": "110",
    "tostring(var.web.processes)": "2",
    "tostring(var.web.threads)": "256",
    "local.assets_url": "https://assets.example.com/0123abc",
    '"tcp:127.0.0.1:${local.clamd_port}"': "tcp:127.0.0.1:3310",
    "aws_sqs_queue.upload_events.url": "https://sqs.eu-west-1.amazonaws.com/000000000000/upload-events",
}
SECRETS: Final = {
    "REDIS_URL": "rediss://:token@redis.example.com:6379/0",
    "SECRET_KEY": "Kq3vT9xWz5LmB8nRc2YhD7fGj4PsAe6U",
    "OLD_SECRET_KEYS": "[]",
}


def _fields() -> dict[str, FieldInfo]:
    return {name.upper(): field for name, field in Settings.model_fields.items()}


def _read(service: str) -> set[str]:
    """Return what is read where a service runs: by the portal, gunicorn, the health check, or scripts."""
    if service == "freshclam":
        scripts = [
            given.ROOT / "docker" / "clamav" / name for name in ("signatures", "start", "clamd-health")
        ]
        return _found(r"\$\{?DIAGPORT_(\w+)", scripts)
    if service == "migrate":
        return {name.upper() for name in MigrationSettings.model_fields}
    programs = [given.ROOT / "docker" / "healthcheck.py"]
    programs += [given.ROOT / "gunicorn.conf.py"] if service == "web" else []
    return set(_fields()) | _found(r'environ(?:\.get\(|\[)"DIAGPORT_(\w+)"', programs)


def _found(pattern: str, files: list[Path]) -> set[str]:
    return {name for file in files for name in re.findall(pattern, file.read_text(encoding="utf-8"))}


def _given(service: str) -> set[str]:
    tuned = set(given.parameters()) if service in given.PORTAL else set()
    return set(given.environment(service)) | set(given.secrets(service)) | tuned


@pytest.mark.parametrize("service", given.SERVICES)
def test_nothing_is_given_that_nobody_reads(service: str) -> None:
    assert _given(service)
    assert _given(service) <= _read(service)


@pytest.mark.parametrize("service", given.SERVICES)
def test_everything_that_is_read_is_given_or_left_out_for_a_reason(service: str) -> None:
    image = set() if service == "freshclam" else given.image_gives()
    elsewhere = set().union(*(told.get(service, set()) for told in ELSEWHERE.values()))
    assert _read(service) - _given(service) - image == (_left() & _read(service)) | elsewhere


def test_no_reason_outlives_what_it_was_given_for() -> None:
    left = [name for names in DEFAULTS.values() for name in names]
    assert len(left) == len(set(left))
    assert _left() <= set().union(*map(_read, given.SERVICES))


def _left() -> set[str]:
    return set().union(*DEFAULTS.values())


@pytest.mark.parametrize("service", given.PORTAL)
def test_nobody_is_given_a_name_twice(service: str) -> None:
    """ECS refuses a task definition that has a name both as a variable and as a secret."""
    kinds = [set(given.environment(service)), set(given.secrets(service)), set(given.parameters())]
    assert sum(map(len, kinds)) == len(set().union(*kinds))


@pytest.mark.parametrize("service", given.SERVICES)
def test_secrets_never_stand_among_plain_variables(service: str) -> None:
    """What the portal keeps as a secret comes from Secrets Manager (C13 of SECURITY.md)."""
    fields = _fields() | {name.upper(): field for name, field in MigrationSettings.model_fields.items()}
    kept = {name for name, field in fields.items() if _is_secret(field.annotation)}
    assert {"SECRET_KEY", "REDIS_URL", "DATABASE_PASSWORD", "SMTP_PASSWORD", "MIGRATION_PASSWORD"} <= kept
    assert not kept & set(given.environment(service))
    assert all(
        "aws_secretsmanager" in s or "master_user_secret" in s for s in given.secrets(service).values()
    )


def _is_secret(annotation: object) -> bool:
    return annotation is SecretStr or any(map(_is_secret, get_args(annotation)))


@pytest.mark.parametrize("service", given.PORTAL)
def test_every_value_is_one_that_the_portal_takes(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {name: _value(text) for name, text in given.environment(service).items()}
    values |= {name: SECRETS.get(name, "diagport") for name in given.secrets(service)} | given.parameters()
    for name, value in values.items():
        monkeypatch.setenv(f"DIAGPORT_{name}", value)
    settings = Settings()  # raises for what it cannot take
    assert settings.environment == "production"
    assert settings.deployment == "prod"
    assert settings.emf == (service == "scheduler")
    assert (settings.clamd_address is not None) == (service == "worker")
    assert "sslmode=verify-full" in settings.database_url.get_secret_value()


def test_migrations_take_what_they_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in given.environment("migrate").items():
        monkeypatch.setenv(f"DIAGPORT_{name}", _value(text))
    for name in given.secrets("migrate"):
        monkeypatch.setenv(f"DIAGPORT_{name}", name.lower())
    settings = MigrationSettings()
    assert "migration_user:migration_password@" in settings.owner_url()
    assert settings.login == "database_user"


def _value(text: str) -> str:
    return text[1:-1] if re.fullmatch(r'"[^"$]*"', text) else VALUES[text]
