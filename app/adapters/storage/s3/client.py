"""The client: how patient it is, what it checks, and what its errors mean here."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from app.adapters.aws_session import OWN, Identity, session
from app.domain.errors import DependencyError, NotFoundError, PortalError, StorageFullError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

TRIES = 5  # of one request; the pauses between them grow, with jitter, to at most 20 seconds
CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0  # of silence; joining and copying parts takes the store a while
_CONNECTIONS = 64  # kept open; more are made when more threads ask at once

_ABSENT = {"NoSuchKey", "NoSuchUpload", "NoSuchVersion", "NotFound", "404"}
_FULL = {"QuotaExceeded", "StorageFull", "XMinioStorageFull", "InsufficientStorage", "507"}


@dataclass(frozen=True, slots=True)
class Account:
    """Where the bucket is, and who we are there: by a key of our own, else by ``identity``."""

    bucket: str
    region: str | None = None
    endpoint: str | None = None
    access_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)
    tries: int = TRIES
    read_seconds: float = READ_SECONDS
    identity: Identity = OWN


class Connection:
    """One bucket. Its client may be used by many threads, and is made anew after a fork."""

    def __init__(self, account: Account) -> None:
        self.bucket = account.bucket
        self._account = account
        self._made: tuple[int, S3Client] | None = None

    @property
    def client(self) -> "S3Client":
        """A connection that was open before a fork belongs to the other process."""
        if self._made is None or self._made[0] != os.getpid():
            self._made = os.getpid(), make_client(self._account)
        return self._made[1]


def make_client(account: Account) -> "S3Client":
    """Return a client that signs with SigV4 and retries what may pass.

    A body is signed by the checksum that goes with it, which the store compares: hashing it a
    second time, for the signature alone, is left out.
    """
    identity = OWN if account.access_key else account.identity
    return session(identity, account.region).client(
        "s3",
        region_name=account.region,
        endpoint_url=account.endpoint,
        aws_access_key_id=account.access_key,
        aws_secret_access_key=account.secret_key,
        config=Config(
            signature_version="s3v4",
            connect_timeout=CONNECT_SECONDS,
            read_timeout=account.read_seconds,
            retries={"mode": "standard", "total_max_attempts": account.tries},
            max_pool_connections=_CONNECTIONS,
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={
                "addressing_style": _style(account),
                "us_east_1_regional_endpoint": "regional",
                "payload_signing_enabled": False,
            },
        ),
    )


def _style(account: Account) -> Literal["path", "virtual"]:
    """Choose where the bucket's name goes: not "auto", which signs addresses of S3's global host.

    That one redirects, for hours, what concerns a young bucket of another region, and browsers then
    fail at CORS. A certificate covers no name with dots, nor do other stores' hosts.
    """
    return "path" if account.endpoint or "." in account.bucket else "virtual"


@contextmanager
def s3_errors() -> Iterator[None]:
    """Say in the portal's words what the store, or the way to it, got wrong.

    Raises:
        NotFoundError, StorageFullError, DependencyError
    """
    try:
        yield
    except ClientError as error:
        raise _translated(error) from error
    except BotoCoreError as error:
        raise DependencyError("The storage does not answer.", error=str(error)) from error


def code_of(error: ClientError) -> str:
    """Return the store's own code, such as "NoSuchUpload"; of an answer without a body, its status."""
    return str(error.response.get("Error", {}).get("Code", ""))


def refused(error: ClientError) -> bool:
    """Whether a condition of the request did not hold (RFC 9110 section 13)."""
    return code_of(error) in {"PreconditionFailed", "412"}


def absent(error: ClientError) -> bool:
    """Whether what was asked for is not there."""
    return code_of(error) in _ABSENT


def _translated(error: ClientError) -> PortalError:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if absent(error):
        return NotFoundError("The bytes of this upload are not here.", error=str(error))
    if code_of(error) in _FULL or status == HTTPStatus.INSUFFICIENT_STORAGE:
        return StorageFullError("The storage is full.", error=str(error))
    return DependencyError("The storage does not answer as it should.", error=str(error))
