"""Nothing starts on settings that are missing or unsafe: T29, C4."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.cli.dev import ROOT
from app.settings import Settings

GOOD: dict[str, str] = {
    "secret_key": "OwqEcVYxG0h3rZ4N7uPsTfLbKd91Ajm2",
    "base_url": "https://upload.example.com",
    "database_url": "postgresql+psycopg://app:db-secret@db/app",
    "redis_url": "rediss://:redis-secret@redis/0",
    "clamd_address": "tcp:clamd:3310",
    "storage_root": "/srv/bundles",
}


def make(**changed: str) -> Settings:
    return Settings.model_validate(GOOD | changed)


def test_production_is_the_default() -> None:
    settings = make()
    assert settings.environment == "production"
    assert settings.secure


@pytest.mark.parametrize("name", sorted(set(GOOD) - {"clamd_address"}))  # which the web does without
def test_what_is_missing_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(f"DIAGPORT_{name.upper()}", raising=False)
    with pytest.raises(ValidationError, match=f"(?i){name}"):
        Settings.model_validate({key: value for key, value in GOOD.items() if key != name})


@pytest.mark.parametrize("key", ["", "changeme", "x" * 31])
@pytest.mark.parametrize("environment", ["production", "development"])
def test_a_weak_key_is_refused(key: str, environment: str) -> None:
    with pytest.raises(ValidationError, match="32 characters"):
        make(secret_key=key, environment=environment)


@pytest.mark.parametrize(
    "key",
    [
        "x" * 64,
        "changeme" * 4,
        "Changeme-Changeme-0123456789-abcdef",
        "0123456789abcdef0123456789abcdef",
        "abababababcdcdcdcdcdefefefefefefef",
        "my-secret-key-that-nobody-will-guess",
    ],
)
def test_a_key_that_can_be_guessed_is_refused(key: str) -> None:
    """T29, C4."""
    with pytest.raises(ValidationError, match="can be guessed"):
        make(secret_key=key)


@pytest.mark.parametrize("name", ["https://a.example", "*.example", "a.example/x", "", "a b"])
def test_a_trusted_host_is_a_name(name: str) -> None:
    with pytest.raises(ValidationError, match="must be names"):
        Settings.model_validate(GOOD | {"trusted_hosts": (name,)})


@pytest.mark.parametrize(
    "url", ["", "upload.example.com", "ftp://x.example", "https://", "https://x.example/path", "javascript:x"]
)
def test_a_bad_base_url_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="origin"):
        make(base_url=url)


@pytest.mark.parametrize("url", ["127.0.0.1:4318", "grpc://collector:4317"])
def test_a_collector_is_spoken_to_by_http(url: str) -> None:
    with pytest.raises(ValidationError, match="DIAGPORT_OTLP_ENDPOINT"):
        make(otlp_endpoint=url)
    assert make(otlp_endpoint="http://127.0.0.1:4318/").otlp_endpoint == "http://127.0.0.1:4318"
    assert make(otlp_endpoint="").otlp_endpoint is None


def test_production_demands_tls() -> None:
    with pytest.raises(ValidationError, match="https://"):
        make(base_url="http://upload.example.com")
    assert not make(base_url="http://localhost:8000", environment="development").secure


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValidationError, match="extra"):
        make(debug="1")


def test_secrets_do_not_show() -> None:
    said = repr(make(smtp_password="smtp-secret"))
    assert not [
        word for word in (GOOD["secret_key"], "db-secret", "redis-secret", "smtp-secret") if word in said
    ]


@pytest.mark.parametrize("program", [("-c", "import wsgi"), ("worker.py", "scan")])
@pytest.mark.parametrize("key", [None, "changeme"])
def test_the_processes_do_not_start(program: tuple[str, ...], key: str | None, tmp_path: Path) -> None:
    environment = {f"DIAGPORT_{name.upper()}": value for name, value in GOOD.items()}
    environment["DIAGPORT_STORAGE_ROOT"] = str(tmp_path)
    environment.pop("DIAGPORT_SECRET_KEY")
    if key is not None:
        environment["DIAGPORT_SECRET_KEY"] = key
    run = subprocess.run(
        [sys.executable, *program], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert run.returncode != 0
    assert "secret_key" in run.stderr
    assert "changeme" not in run.stderr + run.stdout
