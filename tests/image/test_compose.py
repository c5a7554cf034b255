"""docker-compose.yml without Docker: its schema, variables and walls, and the services' own settings. T28."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from app.cli.dev import ROOT
from app.cli.dev.account import account, private
from app.cli.dev.postgres import postgres
from app.cli.dev.process import Process, program
from app.domain.jobs import QueueName
from app.migrating.settings import MigrationSettings
from app.settings import Settings
from tests.image.compose_file import FILE, MissingError, interpolated, needed, services

PORTAL = {*QueueName, "web", "gate", "scheduler"}
ONCE = {"migrate", "signatures"}


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Give what docker/make-env.sh writes."""
    copy = tmp_path_factory.mktemp("checkout")
    (copy / "docker").mkdir()
    shutil.copy(ROOT / "docker" / "make-env.sh", copy / "docker")
    written = set()
    for _ in range(3):  # later it keeps what is there, and adds what an older release did not write
        subprocess.run([copy / "docker" / "make-env.sh"], check=True, capture_output=True)
        text = (copy / ".env").read_text()
        written.add(text)
        older = [line for line in text.splitlines(keepends=True) if "SHA256" not in line]
        (copy / ".env").write_text("".join(older))
    subprocess.run([copy / "docker" / "make-env.sh"], check=True, capture_output=True)
    assert written == {text}
    assert (copy / ".env").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in copy.iterdir()) == [".env", "docker"]
    return dict(line.split("=", 1) for line in text.splitlines() if not line.startswith("#"))


@pytest.fixture(scope="module")
def stack(variables: dict[str, str]) -> dict[str, dict[str, Any]]:
    return services(variables)


def test_it_is_what_compose_takes() -> None:
    check = [str(ROOT / ".venv/bin/check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(FILE)]
    ran = subprocess.run(check, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout


def test_the_secrets_are_this_installations_own(variables: dict[str, str]) -> None:
    """Without .env nothing starts, and what is missing is said."""
    assert needed() == set(variables)
    assert len({*variables.values()}) == len(variables)
    assert all(len(value) >= 48 for value in variables.values())
    with pytest.raises(MissingError, match=r"DIAGPORT_DATABASE_PASSWORD: run docker/make-env\.sh first"):
        services({})


def test_the_portal_has_every_setting_that_it_needs(
    stack: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """None is missing, and none is one that nobody reads."""
    for name in PORTAL | {"migrate"}:
        given = stack[name]["environment"]
        known = MigrationSettings if name == "migrate" else Settings
        fields = {f"DIAGPORT_{field.upper()}" for field in known.model_fields}
        assert set(given) <= fields
        with monkeypatch.context() as patch:
            for variable in [each for each in os.environ if each.startswith("DIAGPORT_")]:
                patch.delenv(variable)
            for variable, value in given.items():
                patch.setenv(variable, value)
            known()


def test_it_may_be_used_in_earnest_behind_a_proxy(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    earnest = {"DIAGPORT_ENVIRONMENT": "production", "DIAGPORT_BASE_URL": "https://portal.example.com"}
    for variable, value in services(variables | earnest)["web"]["environment"].items():
        monkeypatch.setenv(variable, value)
    assert Settings().secure


def test_there_is_one_of_each_role_and_its_health_is_its_own(stack: dict[str, dict[str, Any]]) -> None:
    for role in PORTAL:
        assert stack[role].get("command", ["gunicorn"])[-1] == ("gunicorn" if role == "web" else role)
        assert stack[role]["healthcheck"]["test"] == ["CMD", "python", "/app/docker/healthcheck.py", role]
    assert stack["migrate"]["command"] == ["alembic", "upgrade", "head"]


def test_what_waits_for_what(stack: dict[str, dict[str, Any]]) -> None:
    conditions = {
        name: {on: how["condition"] for on, how in service.get("depends_on", {}).items()}
        for name, service in stack.items()
    }
    for role in PORTAL:
        assert conditions[role]["migrate"] == "service_completed_successfully"
        assert ("clamd" in conditions[role]) == (role in {"scan", "scan-large", "gate"})
    assert conditions["migrate"] == {"postgres": "service_healthy"}
    assert conditions["clamd"] == {"signatures": "service_completed_successfully"}
    assert all(set(waits) <= set(stack) for waits in conditions.values())
    assert {name for name, service in stack.items() if service["restart"] == "no"} == ONCE


def test_every_container_is_confined(stack: dict[str, dict[str, Any]]) -> None:
    for name, service in stack.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service.get("privileged") is None, name
        assert "build" in service or re.search(r":[\w.-]+@sha256:[0-9a-f]{64}$", service["image"]), name
        assert "build" in service or service["user"], name  # ours say so themselves
        assert "test" in service["healthcheck"] or name in ONCE | {"freshclam"}, name
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), name


def test_data_stores_are_reached_by_the_portal_alone(stack: dict[str, dict[str, Any]]) -> None:
    """Nothing leaves from there, and nobody comes in from outside."""
    for name in ("postgres", "redis", "clamd", "migrate"):
        assert stack[name]["networks"] == ["inside"]
        assert "ports" not in stack[name]


def test_redis_lets_the_portal_do_what_it_must_and_no_more(
    stack: dict[str, dict[str, Any]], variables: dict[str, str], tmp_path: Path
) -> None:
    """The very arguments, on a real server; the same rights as in docs/operations/running.md."""
    arguments = stack["redis"]["command"][1:]
    password = variables["REDIS_PASSWORD"]
    assert password not in str(stack["redis"]), "neither `ps` nor `docker inspect` shows it"
    documented = re.search(
        r"^user portal on >PASSWORD (.*)$", (ROOT / "docs/operations/running.md").read_text(), re.MULTILINE
    )
    assert documented
    assert " ".join(arguments).endswith(documented[1])
    tmp_path.chmod(0o711)
    owner = account("redis", tmp_path)
    socket = private(tmp_path / "socket", owner) / "redis.sock"
    server = Process(
        "redis",
        [program("redis-server"), *arguments, "--port", "0", "--unixsocket", socket],
        tmp_path / "redis.log",
        ready=socket.exists,
        account=owner,
        directory=socket.parent,
    )
    server.start()
    try:
        server.wait_ready()
        kind, check = stack["redis"]["healthcheck"]["test"]
        assert kind == "CMD-SHELL"
        asked = check.replace("redis-cli", f"redis-cli -s {socket}")
        assert subprocess.run(["sh", "-c", asked], capture_output=True).returncode == 0
        with redis.Redis(unix_socket_path=str(socket)) as nobody, pytest.raises(redis.AuthenticationError):
            nobody.ping()
        with redis.Redis(unix_socket_path=str(socket), username="portal", password=password) as portal:
            assert portal.ping()
            portal.lpush("rq:queue:scan", "job")
            assert portal.info("memory")
            for forbidden in (
                portal.flushall,
                lambda: portal.set("other", "1"),
                lambda: portal.config_get("*"),
            ):
                with pytest.raises(redis.exceptions.NoPermissionError):
                    forbidden()
    finally:
        server.stop()


def test_postgres_is_set_up_for_the_migrations(variables: dict[str, str], tmp_path: Path) -> None:
    """docker/postgres/roles.sql on a new cluster, then `alembic upgrade head` as the owner that it made."""
    tmp_path.chmod(0o711)
    sockets = tmp_path / "sockets"
    server = postgres(tmp_path, sockets, tmp_path / "postgres.log", fast=True)
    server.start()
    try:
        server.wait_ready()
        superuser = f"host={sockets} user=diagport dbname=postgres"
        with psycopg.connect(superuser, autocommit=True) as connection:
            connection.execute("DROP DATABASE diagport")  # which the local stack makes for itself
            connection.execute("DROP ROLE diagport_web")
        script = ROOT / "docker" / "postgres" / "roles.sql"
        psql = ["psql", superuser, "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--file", str(script)]
        subprocess.run(psql, check=True, capture_output=True, env=os.environ | variables)
        migrate = {
            "DIAGPORT_MIGRATION_URL": f"postgresql+psycopg://diagport_owner@/diagport?host={sockets}",
            "DIAGPORT_DATABASE_USER": "diagport_web",
            "DIAGPORT_DATABASE_PASSWORD": variables["DIAGPORT_DATABASE_PASSWORD"],
        }
        command = [str(ROOT / ".venv/bin/alembic"), "upgrade", "head"]
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT, env=os.environ | migrate)
        with psycopg.connect(f"host={sockets} user=diagport_web dbname=diagport") as portal:
            portal.execute("SET ROLE diagport_staff")
            assert portal.execute("SELECT count(*) FROM account").fetchone() == (0,)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                portal.execute("DROP TABLE account")
    finally:
        server.stop()


def test_the_test_reads_variables_as_compose_does() -> None:
    assert interpolated("${A:-b} ${C} ${A:?no}", {"A": "x", "C": "y"}) == "x y x"
    assert interpolated("${A:-b}${C}", {}) == "b"
