"""From settings to concrete parts. The only module that knows the adapters."""

import os
from collections.abc import Callable
from pathlib import Path

from redis import Redis

from app import log
from app.adapters import slack, teams
from app.adapters.aws_session import Identity
from app.adapters.chat import Chat
from app.adapters.ecs import TaskProtection
from app.adapters.guarded_http import GuardedHttp
from app.adapters.jwks import CachedKeys
from app.adapters.mail import SmtpMailer
from app.adapters.openid.providers import OpenIdProviders
from app.adapters.queue import RedisQueue, connect
from app.adapters.scanner import ClamdScanner, NoScanner
from app.adapters.ses import SesMailer
from app.adapters.sns import Sns
from app.adapters.sqs import SqsUploadEvents
from app.adapters.storage.filesystem import FilesystemStorage
from app.adapters.traced_scanner import TracedScanner
from app.adapters.webhook import Webhook
from app.aws_roles import MESSAGES, STORAGE
from app.db import Database
from app.domain.channels import ChannelKind
from app.ports import Adapters, Channel, Storage, UploadEvents
from app.settings import NOWHERE, Settings
from app.system import System

#: The directory that holds app/, templates/ and static/.
ROOT = Path(__file__).resolve().parent.parent

_HOOK_TIMEOUT = 15.0  # seconds that a webhook has to answer


def settings() -> Settings:
    """Read and check the environment, and set up logging as it says.

    Raises:
        pydantic.ValidationError: a setting is missing or unsafe.
    """
    read = Settings()
    log.configure(read.log_level, read.deployment)
    return read


def adapters(settings: Settings) -> Adapters:
    """Choose who answers each port. Nothing is connected yet."""
    stores = _stores(settings)
    here_too = settings.environment == "development"
    fetcher = GuardedHttp(loopback=here_too)
    keys = CachedKeys(fetcher)
    address = settings.clamd_address
    scanner = ClamdScanner(address, timeout=settings.clamd_timeout) if address else NoScanner()
    return Adapters(
        storage=stores.pop(settings.storage),
        other_stores=tuple(stores.values()),
        scanner=TracedScanner(scanner) if settings.otlp_endpoint else scanner,
        queue=RedisQueue(settings.redis_url.get_secret_value()),
        mailer=SesMailer(settings) if settings.mail == "ses" else SmtpMailer(settings),
        channels=_channels(settings),
        keys=keys,
        openid=OpenIdProviders(fetcher, keys, loopback=here_too),
        upload_events=_upload_events(settings),
    )


def _upload_events(settings: Settings) -> UploadEvents | None:
    queue = settings.upload_events_queue
    identity = Identity.at(settings, MESSAGES, "sqs")
    return SqsUploadEvents(queue, settings.s3_bucket, settings.aws_endpoint, identity) if queue else None


def _channels(settings: Settings) -> dict[ChannelKind, Channel]:
    """Make what brings messages elsewhere than into mailboxes, by kind."""
    http = GuardedHttp(loopback=settings.environment == "development", timeout=_HOOK_TIMEOUT)
    return {
        ChannelKind.SNS: Sns(
            settings.base_url, settings.aws_endpoint, Identity.at(settings, MESSAGES, "sns")
        ),
        ChannelKind.WEBHOOK: Webhook(http, settings.base_url),
        ChannelKind.SLACK: Chat(http, slack.compose),
        ChannelKind.TEAMS: Chat(http, teams.compose),
    }


def _stores(settings: Settings) -> dict[str, Storage]:
    """Make every store that is set up, by name."""
    stores: dict[str, Storage] = {}
    if settings.storage_root != NOWHERE:
        stores["filesystem"] = FilesystemStorage(settings.storage_root)
    if settings.s3_bucket:
        # Here, because boto3 costs every process 25 MB and a fifth of a second.
        from app.adapters.storage.s3.client import Account
        from app.adapters.storage.s3.storage import S3Storage

        secret = settings.s3_secret_key
        account = Account(
            settings.s3_bucket,
            settings.s3_region,
            settings.s3_endpoint,
            settings.s3_access_key,
            secret.get_secret_value() if secret else None,
            identity=Identity.at(settings, STORAGE, "s3"),
        )
        stores["s3"] = S3Storage(account)
    return stores


def redis_connection(settings: Settings) -> Redis:
    """Open the pool of a process that serves a queue."""
    return connect(settings.redis_url.get_secret_value())


def task_protection() -> Callable[[], None]:
    """Return what keeps ECS from ending our task, for a few minutes each time; elsewhere it does nothing.

    Raises:
        ValueError: ECS does not say how its agent is reached, but something else.
    """
    agent = os.environ.get("ECS_AGENT_URI")  # ECS's own variable
    return TaskProtection(agent).renew if agent else lambda: None


def database(settings: Settings) -> Database:
    """Make the database of one process."""
    return Database.connect(settings.database_url.get_secret_value())


def system() -> System:
    """Everything at once, for a process that is not the web."""
    read = settings()
    return System(settings=read, adapters=adapters(read), database=database(read))
