"""Two servers that speak S3, each in a process of its own on the loopback interface.

moto knows most of S3 and believes everybody: it takes wrong signatures, expired ones and wrong
checksums. Swift enforces all three, and answers If-Match on PUT, tags and policies with 501.
"""

import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Self

import boto3
from botocore.config import Config

from app.adapters.storage.s3.client import Account
from app.cli.dev import ROOT
from app.cli.dev.ports import free_port, listens
from app.cli.dev.process import Process

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# tests/swift_server.py has them too: who imports it gets all of eventlet.
ACCESS_KEY, SECRET_KEY, REGION = "test:tester", "testing", "us-east-1"


class S3Server:
    """One server. ``client`` is for arranging, and for looking behind the product's back."""

    def __init__(self, name: str, process: Process, port: int) -> None:
        self.name = name
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        process.ready = lambda: listens(port)
        self.client: S3Client = boto3.session.Session().client(
            "s3",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )

    def __enter__(self) -> Self:
        try:
            self.process.start()
            self.process.wait_ready()
        except BaseException:
            self.process.kill()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.process.kill()  # nothing in it is worth an orderly end

    def bucket(self, *, versioned: bool = False) -> str:
        """Make an empty bucket; return its name."""
        name = f"test-{uuid.uuid4()}"
        self.client.create_bucket(Bucket=name)
        if versioned:
            self.client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    def account(self, bucket: str) -> Account:
        """Say where a bucket is, for the adapter."""
        return Account(bucket, REGION, self.url, ACCESS_KEY, SECRET_KEY)

    def settings(self, bucket: str) -> dict[str, str]:
        """Say where a bucket is, for the product's environment."""
        return {
            "DIAGPORT_STORAGE": "s3",
            "DIAGPORT_S3_BUCKET": bucket,
            "DIAGPORT_S3_REGION": REGION,
            "DIAGPORT_S3_ENDPOINT": self.url,
            "DIAGPORT_S3_ACCESS_KEY": ACCESS_KEY,
            "DIAGPORT_S3_SECRET_KEY": SECRET_KEY,
        }


def moto_server(directory: Path) -> S3Server:
    """Describe a moto server; everything it is given stays in its memory."""
    port = free_port()
    return S3Server(
        "moto", _python("moto", directory, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)), port
    )


def swift_server(directory: Path, origin: str = "*") -> S3Server:
    """Describe a Swift server, which keeps everything under ``directory``; pages of ``origin`` may use it."""
    # It is told of the origin here; moto lets each bucket say (CORS).
    port = free_port()
    program = Path(__file__).with_name("swift_server.py")
    return S3Server(
        "swift", _python("swift", directory, program, directory / "data", str(port), origin), port
    )


def _python(name: str, directory: Path, *arguments: str | Path) -> Process:
    return Process(
        name,
        [sys.executable, *arguments],
        directory / f"{name}.log",
        directory=ROOT,
        environment={"PYTHONWARNINGS": "ignore"},
    )
