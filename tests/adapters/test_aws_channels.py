"""SNS and SES on moto: what arrives behind a topic, with which filters, and which errors are final."""

import json
import socket
import threading
import uuid
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from app import bootstrap
from app.adapters.mail import SmtpMailer
from app.adapters.ses import SesMailer
from app.adapters.sns import Sns, subject
from app.domain.channels import ChannelKind
from app.domain.errors import DeliveryRefusedError, DeliveryUncertainError, DependencyError
from app.ports import Message
from app.settings import Settings
from tests.adapters.hook_sink import HookSink
from tests.s3servers import REGION, S3Server

SOURCE = "https://upload.example.com"
MESSAGE = Message(
    key="ef" * 32,
    to="",
    subject="[CS-1] Büro 文\nready",
    text="It is ready.",
    kind=ChannelKind.SNS,
    event="upload.clean",
    at=datetime(2026, 11, 20, tzinfo=UTC),
    payload={"id": "7", "organisation": "acme", "case": "CS-1", "state": "clean", "reason": None},
)


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")


def client(moto: S3Server, service: str) -> Any:
    made: Any = boto3.session.Session()
    return made.client(service, region_name=REGION, endpoint_url=moto.url)


class Topic:
    """A topic and a queue that hears of what its filter lets through."""

    def __init__(self, moto: S3Server, *, fifo: bool = False, **filters: list[str]) -> None:
        self.sqs, sns = client(moto, "sqs"), client(moto, "sns")
        name = f"test-{uuid.uuid4()}{'.fifo' if fifo else ''}"
        attributes = {"FifoTopic": "true"} if fifo else {}
        self.arn = sns.create_topic(Name=name, Attributes=attributes)["TopicArn"]
        attributes = {"FifoQueue": "true"} if fifo else {}
        self.queue = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])["Attributes"]
        sns.subscribe(
            TopicArn=self.arn,
            Protocol="sqs",
            Endpoint=arn["QueueArn"],
            Attributes={"FilterPolicy": json.dumps(filters)} if filters else {},
        )

    def heard(self) -> list[dict[str, Any]]:
        found = self.sqs.receive_message(
            QueueUrl=self.queue, MaxNumberOfMessages=10, AttributeNames=["All"]
        ).get("Messages", [])
        return [json.loads(each["Body"]) | {"sqs": each["Attributes"]} for each in found]


def test_behind_a_topic_the_event_arrives_with_its_attributes(moto: S3Server) -> None:
    topic = Topic(moto)
    Sns(SOURCE, moto.url).send(replace(MESSAGE, to=topic.arn))
    (heard,) = topic.heard()
    event = json.loads(heard["Message"])
    assert (event["id"], event["type"], event["source"]) == (MESSAGE.key, "diagport.upload.clean", SOURCE)
    assert event["data"] == {**MESSAGE.payload, "url": None}
    assert heard["Subject"] == "[CS-1] Buro ? ready"
    assert {name: value["Value"] for name, value in heard["MessageAttributes"].items()} == {
        "event": "upload.clean",
        "organisation": "acme",
        "case": "CS-1",
        "state": "clean",
    }


def test_a_filter_of_a_subscription_sees_them(moto: S3Server) -> None:
    ours, theirs = Topic(moto, organisation=["acme"]), Topic(moto, organisation=["globex"])
    for topic in (ours, theirs):
        Sns(SOURCE, moto.url).send(replace(MESSAGE, to=topic.arn))
    assert (len(ours.heard()), len(theirs.heard())) == (1, 0)


def test_a_topic_in_order_drops_what_comes_twice(moto: S3Server) -> None:
    topic = Topic(moto, fifo=True)
    sns = Sns(SOURCE, moto.url)
    for _ in range(2):
        sns.send(replace(MESSAGE, to=topic.arn))
    (heard,) = topic.heard()
    assert heard["sqs"]["MessageGroupId"] == heard["sqs"]["MessageDeduplicationId"] == MESSAGE.key


@pytest.mark.parametrize("arn", ["arn:aws:sns:us-east-1:123456789012:nobody", "no arn at all"])
def test_a_topic_that_is_none_is_final(moto: S3Server, arn: str) -> None:
    with pytest.raises(DeliveryRefusedError):
        Sns(SOURCE, moto.url).send(replace(MESSAGE, to=arn))


def fail_with(monkeypatch: pytest.MonkeyPatch, code: str, status: int) -> None:
    """Let every call to AWS end with an error of that code."""

    def fail(*_: object, **__: object) -> None:
        response: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
        raise ClientError(response, "test")

    monkeypatch.setattr(BaseClient, "_make_api_call", fail)


TOPIC = "arn:aws:sns:us-east-1:123456789012:some"


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("NotFound", 404, DeliveryRefusedError),
        ("InvalidParameter", 400, DeliveryRefusedError),
        ("AuthorizationError", 403, DeliveryRefusedError),
        ("AccessDenied", 403, DeliveryRefusedError),
        ("Throttling", 400, DependencyError),
        ("ThrottledException", 429, DependencyError),
        ("ExpiredToken", 403, DependencyError),
        ("InternalError", 500, DependencyError),
    ],
)
def test_errors_of_sns_are_told_apart(
    monkeypatch: pytest.MonkeyPatch, code: str, status: int, error: type[Exception]
) -> None:
    fail_with(monkeypatch, code, status)
    with pytest.raises(error) as raised:
        Sns(SOURCE).send(replace(MESSAGE, to=TOPIC))
    assert type(raised.value) is error


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("MessageRejected", 400, DeliveryRefusedError),
        ("AccessDeniedException", 403, DependencyError),  # a leave that is missing loses no mail
        ("SendingPausedException", 400, DependencyError),
        ("TooManyRequestsException", 429, DependencyError),
    ],
)
def test_errors_of_ses_are_told_apart(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, code: str, status: int, error: type[Exception]
) -> None:
    fail_with(monkeypatch, code, status)
    ses = SesMailer(settings.model_copy(update={"ses_region": REGION}))
    with pytest.raises(error) as raised:
        ses.send(replace(MESSAGE, to="support@example.com"))
    assert type(raised.value) is error


def test_away_and_cut_off_are_told_apart() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        away = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    with pytest.raises(DependencyError):
        Sns(SOURCE, away).send(replace(MESSAGE, to=TOPIC))


def test_a_cut_after_the_request_leaves_it_uncertain() -> None:
    with socket.create_server(("127.0.0.1", 0)) as cuts:

        def take() -> None:
            connection, _ = cuts.accept()
            connection.recv(65536)
            connection.close()

        thread = threading.Thread(target=take)
        thread.start()
        with pytest.raises(DeliveryUncertainError):
            Sns(SOURCE, f"http://127.0.0.1:{cuts.getsockname()[1]}").send(replace(MESSAGE, to=TOPIC))
        thread.join()


def test_mail_through_ses_is_the_mail_of_smtp(settings: Settings) -> None:
    with HookSink() as sink:
        sink.answer = taken
        there = {"aws_endpoint": f"http://127.0.0.1:{sink.port}", "ses_region": REGION}
        mail = replace(MESSAGE, to="support@example.com", html="<p>It is <b>ready</b>.</p>")
        SesMailer(settings.model_copy(update=there)).send(mail)
    (got,) = sink.got
    asked = json.loads(got.body)
    assert got.path == "/v2/email/outbound-emails"
    assert asked["Destination"] == {"ToAddresses": ["support@example.com"]}
    raw = message_from_bytes(b64decode(asked["Content"]["Raw"]["Data"]), policy=policy.default)
    assert raw["Message-ID"] == f"<{MESSAGE.key}@localhost>"
    assert raw["Subject"] == "[CS-1] Büro 文 ready"
    assert raw.get_content_type() == "multipart/alternative"


def taken(to: BaseHTTPRequestHandler) -> None:
    body = b'{"MessageId": "1"}'
    to.send_response(200)
    to.send_header("Content-Type", "application/json")
    to.send_header("Content-Length", str(len(body)))
    to.end_headers()
    to.wfile.write(body)


def test_ses_takes_it_from_a_sender_that_it_knows_alone(moto: S3Server, settings: Settings) -> None:
    there = {"aws_endpoint": moto.url, "ses_region": REGION}
    known = settings.model_copy(update=there | {"mail_from": f"{uuid.uuid4()}@known.example"})
    client(moto, "ses").verify_email_identity(EmailAddress=known.mail_from)
    SesMailer(known).send(replace(MESSAGE, to="support@example.com"))
    unknown = settings.model_copy(update=there | {"mail_from": "nobody@unknown.example"})
    with pytest.raises(DeliveryRefusedError):
        SesMailer(unknown).send(replace(MESSAGE, to="support@example.com"))


def test_the_setting_chooses_how_mails_leave(settings: Settings) -> None:
    chosen = {
        way: type(bootstrap.adapters(settings.model_copy(update={"mail": way})).mailer)
        for way in ("smtp", "ses")
    }
    assert chosen == {"smtp": SmtpMailer, "ses": SesMailer}


@pytest.mark.parametrize("text", ["", "\n", "é", "文" * 300, "a" * 300, " x", "\x7f\x01x", "a" * 99 + " b"])
def test_any_subject_is_one_that_sns_takes(text: str) -> None:
    made = subject(text)
    assert 1 <= len(made) <= 100
    assert made.isascii()
    assert made.isprintable()
    assert made == made.strip()
