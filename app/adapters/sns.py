"""Topics of Amazon's Simple Notification Service."""

import unicodedata
from typing import Any, Final

from app.adapters import envelope
from app.adapters.aws import Clients, judged
from app.adapters.aws_session import OWN, Identity
from app.domain.channel_address import is_fifo, region_of
from app.domain.errors import DeliveryRefusedError
from app.ports import Message

_MAX_SUBJECT: Final = 100  # characters, ASCII (SNS, Publish)

#: Attributes for filter policies, beside ``event``: fields of the payload that have a value.
_ATTRIBUTES: Final = ("organisation", "case", "state")


class Sns:
    """Publishes as ``identity``, else as whoever boto3 finds: the task's role, the environment."""

    def __init__(self, source: str, endpoint: str | None = None, identity: Identity = OWN) -> None:
        self._source = source
        self._clients = Clients("sns", endpoint, identity)

    def send(self, message: Message) -> None:
        """Publish the event to the topic whose ARN it is addressed to; see the port."""
        try:
            region = region_of(message.to)
        except ValueError as error:
            raise DeliveryRefusedError("That is not the ARN of a topic.") from error
        in_order = {"MessageGroupId": message.key, "MessageDeduplicationId": message.key}
        with judged("SNS"):
            self._clients.of(region).publish(
                TopicArn=message.to,
                Subject=subject(message.subject),
                Message=envelope.as_text(message, self._source),
                MessageAttributes=_attributes(message),
                **(in_order if is_fifo(message.to) else {}),
            )


def subject(text: str) -> str:
    """Return a subject that SNS takes: up to 100 printable ASCII characters on one line, not blank first."""
    letters = unicodedata.normalize("NFKD", " ".join(text.split()))
    bare = "".join(each for each in letters if not unicodedata.combining(each))
    plain = bare.encode("ascii", "replace").decode()
    kept = "".join(each for each in plain if each.isprintable())[:_MAX_SUBJECT].strip()
    return kept or "Diagport"


def _attributes(message: Message) -> dict[str, Any]:
    values = {"event": message.event} | {name: message.payload.get(name) for name in _ATTRIBUTES}
    return {
        name: {"DataType": "String", "StringValue": str(value)} for name, value in values.items() if value
    }
