"""Settings: the environment, checked once at start. Every variable begins with DIAGPORT_."""

import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from re import fullmatch
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AliasChoices,
    Field,
    IPvAnyNetwork,
    NonNegativeInt,
    PositiveInt,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from app.aws_roles import RolesMap
from app.database_settings import DatabaseSettings

MIB = 1024**2
_VARIETY = 10  # different characters that a key has at least; 32 random hex digits have 14 or so
_PLACEHOLDERS = ("changeme", "change-me", "change_me", "password", "secretkey", "secret-key", "secret_key")
NOWHERE = Path()  # a directory that is not set up
_PLACE = r"https?://[a-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~-]+)*/?"


class Settings(DatabaseSettings):
    """Defaults are safe for production; anything secret or site-specific has none.

    Sizes are bytes, times are seconds. The database's are in `app.database_settings`.
    """

    environment: Literal["production", "development"] = "production"
    # which of several installations this is, in log lines and CloudWatch's metrics; else the environment
    deployment: str = Field(default="", validate_default=True, max_length=64)
    secret_key: SecretStr
    base_url: str  # as people type it; links in mails begin with it
    trusted_hosts: tuple[str, ...] = ()  # names by which it may be asked for, besides that of base_url
    old_secret_keys: tuple[SecretStr, ...] = ()  # what they encrypted is still read
    proxy_hops: NonNegativeInt = 0  # reverse proxies in front whose X-Forwarded-* are believed
    # where this release's copy of static/ is served from, if not from here: an address without a query
    assets_url: str | None = None

    redis_url: SecretStr  # redis://, rediss:// or unix://
    clamd_address: str | None = None  # unix:/path or tcp:host:port; needed by what scans (docs/scanning.md)
    clamd_timeout: float = 120.0  # longest silence within one stream

    storage: Literal["filesystem", "s3"] = "filesystem"  # takes what is new; the other is read if set up
    storage_root: Path = NOWHERE
    s3_bucket: str | None = None
    s3_region: str | None = None  # this and the credentials: what boto3 finds, if not said
    s3_endpoint: str | None = None  # of a store that speaks S3 elsewhere than at AWS
    s3_access_key: str | None = None
    s3_secret_key: SecretStr | None = None

    mail: Literal["smtp", "ses"] = "smtp"  # how mails leave: a mail server, or Amazon's SES
    ses_region: str | None = None  # what boto3 finds, if not said
    upload_events_queue: str | None = None  # URL of the SQS queue in which S3 says what came
    aws_endpoint: str | None = None  # of a stand-in for SNS, SES, SQS and STS
    # category -> service -> ARN of the role to take on there (app.aws_roles); else the task's own is used
    aws_roles_map: RolesMap = Field(
        default={}, validation_alias=AliasChoices("diagport_aws_roles_map", "aws_roles_map")
    )
    smtp_host: str = "127.0.0.1"
    smtp_port: int = 25
    smtp_starttls: bool = False
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    mail_from: str = "Diagport <diagport@localhost>"

    max_upload_bytes: PositiveInt = 20 * 10**9
    big_upload_bytes: PositiveInt = 10**9  # of one that begins support hears at once
    max_open_uploads: PositiveInt = 100  # unfinished at a time, of one account or ticket
    checkpoint_bytes: PositiveInt = 64 * MIB  # a resumable upload is made durable at least this often
    body_timeout: float = 60.0  # longest silence of a sender within one body
    body_min_rate: NonNegativeInt = 1024  # bytes per second below which a sender is given up, ...
    body_rate_window: float = 60.0  # ... on average over so many seconds of waiting for it
    max_open_bodies: PositiveInt = 128  # arriving at a time in one web process, of one organisation
    web_threads: PositiveInt = 256  # of one web process (gunicorn.conf.py); each open body holds one
    web_reserved_threads: PositiveInt = 32  # of them, never lent to bodies
    keepalive: PositiveInt = 125  # of an idle connection (gunicorn.conf.py); longer than the load balancer's
    graceful_timeout: PositiveInt = 110  # from SIGTERM to the end, for what is under way; ECS waits for 120

    session_idle: PositiveInt = 30 * 60
    session_lifetime: PositiveInt = 12 * 3600
    admin_session_idle: PositiveInt = 15 * 60
    admin_session_lifetime: PositiveInt = 8 * 3600
    second_factor_seconds: PositiveInt = 600  # between the first factor of a sign-in and the second
    staff_sign_in: Literal["any", "provider"] = "any"  # "provider": no passwords for engineers and admins
    invitation_lifetime: PositiveInt = 7 * 24 * 3600
    reset_lifetime: PositiveInt = 30 * 60
    max_tries: PositiveInt = 10  # that may fail, of one account in one network, in ...
    tries_window: PositiveInt = 15 * 60  # ... so many seconds
    max_network_tries: PositiveInt = 200  # the same, of one network at any account
    step_up_seconds: PositiveInt = 600  # how long a proof of who somebody is lasts for dangerous acts
    resumable_for: PositiveInt = 7 * 24 * 3600  # an unfinished tus upload is kept this long
    abandoned_after: PositiveInt = 15 * 60  # an unfinished single-request upload is given up after this

    # How much work one bundle may cause; beyond that it needs review (app.bundle.budget).
    bundle_ratio: PositiveInt = 200  # expanded bytes per byte sent
    bundle_expanded_bytes: PositiveInt = 50 * 10**9
    bundle_members: PositiveInt = 1_000_000
    bundle_path_bytes: PositiveInt = 4_096
    bundle_seconds: PositiveInt = 3_600
    bundle_depth: NonNegativeInt = 4  # of archives within archives; the scanner opens deeper ones

    scan_lease: PositiveInt = 90
    scan_attempts: PositiveInt = 3
    scan_connections: PositiveInt = 4  # to clamd, side by side, for one bundle
    scan_large_bytes: PositiveInt = 64 * MIB  # larger bundles have workers of their own
    rescan_days: NonNegativeInt = 30  # newer signatures look at ready bundles of so many days again
    signatures_max_age: PositiveInt = 7 * 24 * 3600  # nothing turns clean by older ones
    probe_padding_bytes: PositiveInt = 200 * 10**6  # harmless bytes before the last of the test viruses
    queue_stuck_after: PositiveInt = 600  # admins are told when something has waited this long for a worker
    backup_hint: Path = NOWHERE  # a file that whatever makes backups touches when it has made one
    heartbeats: Path = NOWHERE  # a directory where workers and scheduler touch ROLE.heartbeat while they live
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    metrics_networks: tuple[IPvAnyNetwork, ...] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
    emf: bool = False  # the scheduler prints metrics for CloudWatch (embedded metric format)
    otlp_endpoint: str | None = None  # http://host:4318: traces go there; without it there are none

    @field_validator("deployment")
    @classmethod
    def _a_name(cls, value: str, given: ValidationInfo) -> str:
        if not fullmatch(r"[A-Za-z0-9_.-]*", value):
            raise ValueError("DIAGPORT_DEPLOYMENT must be a name such as prod or eu-1")
        return value or str(given.data.get("environment", ""))

    @field_validator("secret_key")
    @classmethod
    def _strong_key(cls, value: SecretStr) -> SecretStr:
        key = value.get_secret_value()
        if len(key) < 32:
            raise ValueError("DIAGPORT_SECRET_KEY must have at least 32 characters")
        repeats = key in (key + key)[1:-1]
        if repeats or len(set(key)) < _VARIETY or any(word in key.lower() for word in _PLACEHOLDERS):
            raise ValueError("DIAGPORT_SECRET_KEY can be guessed. Make one: openssl rand -base64 48")
        return value

    @field_validator("trusted_hosts")
    @classmethod
    def _bare_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(not name or set(name) & set("/@*? ") for name in value):
            raise ValueError("DIAGPORT_TRUSTED_HOSTS must be names such as upload.example.com")
        return value

    @field_validator("base_url")
    @classmethod
    def _bare_origin(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/"):
            raise ValueError("DIAGPORT_BASE_URL must be an origin such as https://upload.example.com")
        return value.rstrip("/")

    @field_validator("assets_url")
    @classmethod
    def _place_of_assets(cls, value: str | None) -> str | None:
        if value and not re.fullmatch(_PLACE, value):  # it goes into a header, where a space has a meaning
            raise ValueError("DIAGPORT_ASSETS_URL must be like https://assets.example.com/release")
        return value.rstrip("/") if value else None

    @field_validator("otlp_endpoint")
    @classmethod
    def _collector(cls, value: str | None) -> str | None:
        if value and urlsplit(value).scheme not in {"http", "https"}:
            raise ValueError("DIAGPORT_OTLP_ENDPOINT must be an address such as http://127.0.0.1:4318")
        return value.rstrip("/") if value else None

    @model_validator(mode="after")
    def _storage_is_complete(self) -> Self:
        if self.storage == "filesystem" and self.storage_root == NOWHERE:
            raise ValueError("DIAGPORT_STORAGE=filesystem needs DIAGPORT_STORAGE_ROOT")
        if self.storage == "s3" and self.s3_bucket is None:
            raise ValueError("DIAGPORT_STORAGE=s3 needs DIAGPORT_S3_BUCKET")
        return self

    @model_validator(mode="after")
    def _threads_for_bodies(self) -> Self:
        if self.web_reserved_threads >= self.web_threads:
            raise ValueError("DIAGPORT_WEB_RESERVED_THREADS must be less than DIAGPORT_WEB_THREADS")
        return self

    @model_validator(mode="after")
    def _https_in_production(self) -> Self:
        if self.environment == "production" and not self.secure:
            raise ValueError("DIAGPORT_BASE_URL must begin with https:// in production")
        return self

    @property
    def secure(self) -> bool:
        """Whether people reach the portal over TLS, so that cookies may demand it."""
        return self.base_url.startswith("https://")
