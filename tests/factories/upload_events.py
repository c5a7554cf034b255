"""A bucket that tells a queue what comes to be in it, as at AWS; after three tries elsewhere."""

import json
import uuid
from dataclasses import replace
from typing import Any

import boto3

from app.adapters.sqs import SqsUploadEvents
from app.ports import UploadEvent
from app.system import System
from tests.factories.direct import bucket_of
from tests.s3servers import ACCESS_KEY, REGION, SECRET_KEY, S3Server

TRIES = 3


class Queue:
    """Two queues on moto; ``url`` is that of the first. What it gives out is never hidden for long."""

    def __init__(self, moto: S3Server) -> None:
        session = boto3.session.Session(ACCESS_KEY, SECRET_KEY, region_name=REGION)
        self.client: Any = session.client("sqs", endpoint_url=moto.url)
        name = f"events-{uuid.uuid4()}"
        self.failed = self.client.create_queue(QueueName=f"{name}-failed")["QueueUrl"]
        redrive = {"deadLetterTargetArn": self.arn(self.failed), "maxReceiveCount": TRIES}
        attributes = {"RedrivePolicy": json.dumps(redrive)}
        self.url = self.client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]

    def arn(self, url: str) -> str:
        found = self.client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return str(found["Attributes"]["QueueArn"])

    def hear_of(self, moto: S3Server, bucket: str) -> None:
        """Let the bucket say what comes to be in it; S3 sends a test event at once."""
        wanted = "s3:ObjectCreated:CompleteMultipartUpload"
        configuration: Any = {"QueueArn": self.arn(self.url), "Events": [wanted]}
        moto.client.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [configuration]}
        )

    def say(self, body: object) -> None:
        """Put a message there by hand; what is no text becomes JSON."""
        text = body if isinstance(body, str) else json.dumps(body)
        self.client.send_message(QueueUrl=self.url, MessageBody=text)

    def left(self) -> int:
        """Count what is there, seen or not."""
        return self._count(self.url)

    def given_up(self) -> int:
        return self._count(self.failed)

    def _count(self, url: str) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)


def created(bucket: str, name: str, size: int, kind: str = "CompleteMultipartUpload") -> dict[str, Any]:
    """Return a message as S3 sends it."""
    record = {
        "eventName": f"ObjectCreated:{kind}",
        "s3": {"bucket": {"name": bucket}, "object": {"key": name, "size": size, "eTag": "x"}},
    }
    return {"Records": [record]}


def with_queue(system: System, moto: S3Server, queue: Queue) -> System:
    """Return the product as a scheduler sees it that listens to the queue."""
    events = SqsUploadEvents(queue.url, bucket_of(system)[1], moto.url)
    return replace(system, adapters=replace(system.adapters, upload_events=events))


class FakeUploadEvents:
    """A queue in memory of a list of messages; ``put_off_for`` has seconds, by receipt."""

    def __init__(self, *messages: UploadEvent) -> None:
        self.waiting = list(messages)
        self.deleted: list[str] = []
        self.put_off_for: dict[str, int] = {}

    def receive(self) -> list[UploadEvent]:
        """Return all of them, once."""
        batch, self.waiting = self.waiting, []
        return batch

    def delete(self, event: UploadEvent) -> None:
        """Note that it is done with."""
        self.deleted.append(event.receipt)

    def put_off(self, event: UploadEvent, seconds: int) -> None:
        """Note that it comes again."""
        self.put_off_for[event.receipt] = seconds
