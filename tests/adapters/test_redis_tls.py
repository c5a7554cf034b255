"""Redis over TLS with a password, as ElastiCache is reached: T28."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from app.adapters.queue import RedisQueue
from app.cli.dev.ports import free_port
from app.cli.dev.process import Process, program
from app.domain.errors import DependencyError

SECRET = "a-redis-secret"


class Encrypted:
    """A Redis that speaks TLS alone, to who knows its password; its certificate is for 127.0.0.1."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.authority, key = directory / "cert.pem", directory / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "2", "-subj", "/CN=redis", "-addext", "subjectAltName=IP:127.0.0.1",
             "-keyout", key, "-out", self.authority],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip
        options = ["--port", "0", "--tls-port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        options += ["--tls-cert-file", str(self.authority), "--tls-key-file", str(key)]
        options += ["--tls-auth-clients", "no", "--requirepass", SECRET]
        self.process = Process(
            "redis", [program("redis-server"), *options], directory / "log", ready=self._answers
        )

    def url(self, host: str = "127.0.0.1", secret: str = SECRET, known: bool = True) -> str:
        authority = f"?ssl_ca_certs={self.authority}" if known else ""
        return f"rediss://:{secret}@{host}:{self.port}/0{authority}"

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url()) as connection:
                return bool(connection.ping())
        except redis.RedisError:
            return False


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encrypted]:
    encrypted = Encrypted(tmp_path_factory.mktemp("redis"))
    encrypted.process.start()
    try:
        encrypted.process.wait_ready()
        yield encrypted
    finally:
        encrypted.process.kill()


def test_the_address_alone_says_how(server: Encrypted) -> None:
    RedisQueue(server.url()).check()


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ({"known": False}, "CERTIFICATE_VERIFY_FAILED"),
        ({"host": "localhost"}, "CERTIFICATE_VERIFY_FAILED"),
        ({"secret": "another"}, "WRONGPASS|invalid username-password"),
    ],
)
def test_nobody_else_is_taken_for_it(server: Encrypted, address: dict[str, str], why: str) -> None:
    with pytest.raises(DependencyError) as raised:
        RedisQueue(server.url(**address)).check()  # type: ignore[arg-type]
    assert re.search(why, str(raised.value.context["cause"]))
