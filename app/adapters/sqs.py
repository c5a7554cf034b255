"""Amazon's Simple Queue Service: what S3 says of the bucket (S3 user guide, "Event message structure")."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final
from urllib.parse import unquote_plus, urlsplit

from app.adapters.aws import Clients
from app.adapters.aws_session import OWN, Identity
from app.adapters.storage.s3.names import INCOMING, key_of
from app.domain.errors import DependencyError
from app.ports import Arrived, UploadEvent

_AT_ONCE: Final = 10  # messages; SQS gives no more
_WAIT: Final = 10  # seconds for the first of them; less than `aws.READ_SECONDS`
#: For so long nobody else gets what was received, seconds: for ten completions, each of a few requests.
_MINE: Final = 300
_TIMES: Final = "ApproximateReceiveCount"
_CREATED: Final = "ObjectCreated:"


class SqsUploadEvents:
    """Implements `app.ports.UploadEvents` for one bucket."""

    def __init__(
        self, queue: str, bucket: str | None, endpoint: str | None = None, identity: Identity = OWN
    ) -> None:
        """``queue`` is its URL."""
        self._queue, self._bucket = queue, bucket
        self._clients = Clients("sqs", endpoint, identity)

    def receive(self) -> Sequence[UploadEvent]:
        """See the port."""
        with _errors():
            answer = self._client.receive_message(
                QueueUrl=self._queue,
                MaxNumberOfMessages=_AT_ONCE,
                WaitTimeSeconds=_WAIT,
                VisibilityTimeout=_MINE,
                MessageSystemAttributeNames=[_TIMES],
            )
        return [
            replace(
                read(message.get("Body", ""), message["ReceiptHandle"], self._bucket),
                times=int(message.get("Attributes", {}).get(_TIMES, 1)),
            )
            for message in answer.get("Messages", ())
        ]

    def delete(self, event: UploadEvent) -> None:
        """See the port."""
        with _errors():
            self._client.delete_message(QueueUrl=self._queue, ReceiptHandle=event.receipt)

    def put_off(self, event: UploadEvent, seconds: int) -> None:
        """See the port."""
        with _errors():
            self._client.change_message_visibility(
                QueueUrl=self._queue, ReceiptHandle=event.receipt, VisibilityTimeout=seconds
            )

    @property
    def _client(self) -> Any:
        labels = (urlsplit(self._queue).hostname or "").split(".")
        return self._clients.of(labels[1] if labels[0] == "sqs" else None)


def read(body: str, receipt: str, bucket: str | None) -> UploadEvent:
    """Read one message about objects of ``bucket``."""
    try:
        message = json.loads(body)
        if message.get("Event") == "s3:TestEvent":
            return UploadEvent(receipt)
        return UploadEvent(receipt, tuple(_arrived(message["Records"], bucket)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return UploadEvent(receipt, problem=f"{type(error).__name__}: {error}")


def _arrived(records: list[dict[str, Any]], bucket: str | None) -> Iterator[Arrived]:
    for record in records:
        if not record["eventName"].startswith(_CREATED):
            continue
        where, what = record["s3"]["bucket"]["name"], record["s3"]["object"]
        name = unquote_plus(what["key"])
        key = key_of(name)
        if where == bucket and key and name == f"{INCOMING}/{key}":  # no note of an offset, no copy
            yield Arrived(key, int(what["size"]))


@contextmanager
def _errors() -> Iterator[None]:
    """Say in the portal's words that the queue is away. Raises DependencyError."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise DependencyError("The queue of upload events does not answer.", error=str(error)) from error
