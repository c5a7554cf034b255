"""Who the portal is at AWS: mapped roles are taken on through STS and renewed, or the task's own is used."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.session
import pytest
from botocore.credentials import AssumeRoleCredentialFetcher
from botocore.exceptions import BotoCoreError, ClientError
from hypothesis import given
from hypothesis import strategies as st

from app import bootstrap
from app.adapters.aws_session import MUST_REFRESH, Identity, session
from app.adapters.ses import SesMailer
from app.adapters.sns import Sns
from app.adapters.storage.s3.storage import S3Storage
from app.aws_roles import DEFAULT, role_of
from app.cli.dev import ROOT
from app.domain.channels import ChannelKind
from app.domain.errors import DependencyError
from app.services.intake import direct
from app.settings import Settings
from tests.adapters.test_aws_channels import MESSAGE, Topic
from tests.s3servers import ACCESS_KEY, REGION, SECRET_KEY, S3Server

ACCOUNT = "123456789012"  # moto's


def arn(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


@pytest.fixture(autouse=True)
def _task(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the task have credentials of its own, in its environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "task")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "task's")
    monkeypatch.setenv("AWS_REGION", REGION)


def mapped(settings: Settings, moto: S3Server, roles: dict[str, dict[str, str]], **more: object) -> Settings:
    there = {"aws_endpoint": moto.url, "aws_roles_map": roles, "ses_region": REGION}
    return settings.model_copy(update=there | more)


def who(client: Any, moto: S3Server) -> str:
    """Ask STS who signs the requests of a client."""
    keys = client._request_signer._credentials.get_frozen_credentials()
    sts: Any = botocore.session.get_session().create_client(
        "sts",
        region_name=REGION,
        endpoint_url=moto.url,
        aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key,
        aws_session_token=keys.token,
    )
    found: str = sts.get_caller_identity()["Arn"]
    return found


def key_of(storage: object) -> str:
    assert isinstance(storage, S3Storage)
    client: Any = storage.at.client
    found: str = client._request_signer._credentials.access_key
    return found


def test_each_service_is_used_as_its_role(moto: S3Server, settings: Settings) -> None:
    roles = {"STORAGE": {"S3": arn("bundles")}, DEFAULT: {"SNS": arn("topics"), DEFAULT: arn("other")}}
    there = {"storage": "s3", "s3_bucket": moto.bucket(), "s3_endpoint": moto.url, "s3_region": REGION}
    adapters = bootstrap.adapters(mapped(settings, moto, roles, mail="ses", **there))
    storage, mailer, topics = adapters.storage, adapters.mailer, adapters.channels[ChannelKind.SNS]
    assert isinstance(storage, S3Storage)
    assert isinstance(mailer, SesMailer)
    assert isinstance(topics, Sns)
    storage.check()
    used = {
        "bundles": storage.at.client,
        "other": mailer._clients.of(REGION),
        "topics": topics._clients.of(REGION),
    }
    for role, client in used.items():
        assert who(client, moto) == f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/diagport"


def test_without_a_role_the_task_is_itself(moto: S3Server, settings: Settings) -> None:
    own = mapped(settings, moto, {"OTHER": {DEFAULT: arn("not ours")}}, s3_bucket="any", storage="s3")
    assert key_of(bootstrap.adapters(own).storage) == "task"


def test_a_key_of_the_bucket_wins(moto: S3Server, settings: Settings) -> None:
    keys = {"s3_access_key": ACCESS_KEY, "s3_secret_key": SECRET_KEY, "s3_bucket": "any", "storage": "s3"}
    roles = {DEFAULT: {DEFAULT: arn("any")}}
    own = Settings.model_validate(mapped(settings, moto, roles).model_dump() | keys)
    assert key_of(bootstrap.adapters(own).storage) == ACCESS_KEY


class Clock:
    """The time for botocore and for STS, moved ahead."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = timedelta()
        fetchers: Any = AssumeRoleCredentialFetcher
        asked = fetchers._get_credentials

        def later(fetcher: object) -> Any:
            answer: Any = asked(fetcher)
            answer["Credentials"]["Expiration"] += self.ahead
            return answer

        monkeypatch.setattr(fetchers, "_get_credentials", later)
        monkeypatch.setattr("botocore.credentials._local_now", self)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def credentials(moto: S3Server, clock: Clock) -> Any:
    found: Any = session(Identity(arn("any"), moto.url), REGION).get_credentials()
    found._time_fetcher = clock
    return found


def test_they_are_renewed_long_before_an_address_that_they_sign_would_end(
    moto: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F24: what is signed is good for the whole of its time, whenever in the hour it is signed."""
    clock = Clock(monkeypatch)
    role = credentials(moto, clock)
    seen = {role.get_frozen_credentials().access_key}
    for minute in range(0, 180, 3):
        clock.ahead = timedelta(minutes=minute)
        seen.add(role.get_frozen_credentials().access_key)
        assert role._seconds_remaining() > MUST_REFRESH > direct.LASTS
    assert 5 <= len(seen) <= 7, "every half an hour, not at every use"


def test_while_sts_is_away_they_are_used_as_long_as_an_address_would_live(
    moto: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    role = credentials(moto, clock)
    first = role.get_frozen_credentials()

    def away() -> None:
        raise ClientError({"Error": {"Code": "ServiceUnavailable"}}, "AssumeRole")

    monkeypatch.setattr(role, "_refresh_using", away)
    clock.ahead = timedelta(minutes=35)
    assert role.get_frozen_credentials() == first
    clock.ahead = timedelta(hours=1, seconds=30 - MUST_REFRESH)
    with pytest.raises(ClientError):
        role.get_frozen_credentials()


def test_a_role_that_may_not_be_taken_on_loses_no_message(
    moto: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        response: Any = {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
        raise ClientError(response, "AssumeRole")

    topics = Sns("https://upload.example.com", moto.url, Identity(arn("topics"), moto.url))
    topic = Topic(moto)
    with monkeypatch.context() as patched:
        patched.setattr("botocore.credentials.AssumeRoleCredentialFetcher._get_credentials", refuse)
        with pytest.raises(DependencyError):
            topics.send(_to(topic))
    topics.send(_to(topic))
    assert len(topic.heard()) == 1


def test_a_task_without_credentials_has_no_role_either(
    moto: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(BotoCoreError, match="credentials"):
        session(Identity(arn("any"), moto.url), REGION).client("sns", region_name=REGION)


def _to(topic: Topic) -> Any:
    return replace(MESSAGE, to=topic.arn)


def test_nothing_else_makes_sessions() -> None:
    makers = ("import boto3", "from boto3 import", "boto3.session", "botocore.session")
    found = {
        path.name for path in (ROOT / "app").rglob("*.py") if any(word in path.read_text() for word in makers)
    }
    assert found == {"aws_session.py"}


NAMES = st.sampled_from(["STORAGE", "MESSAGES", DEFAULT])
SERVICES = st.sampled_from(["S3", "SNS", DEFAULT])
MAPS = st.dictionaries(NAMES, st.dictionaries(SERVICES, st.integers(0, 99).map(lambda n: arn(f"r{n}"))))


@given(MAPS, st.sampled_from(["STORAGE", "MESSAGES"]), st.sampled_from(["s3", "sns"]))
def test_the_nearest_role_counts(roles: dict[str, dict[str, str]], category: str, service: str) -> None:
    near = [(category, service.upper()), (category, DEFAULT), (DEFAULT, service.upper()), (DEFAULT, DEFAULT)]
    there = [roles[one][two] for one, two in near if two in roles.get(one, {})]
    assert role_of(roles, category, service) == (there[0] if there else None)
