"""What tells somebody something, as a Protocol."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from app.domain.channels import ChannelKind


@dataclass(frozen=True, slots=True)
class Message:
    """One event told to one address: a mail address, a topic's ARN, a URL.

    ``key`` gives the Message-ID of a mail and the idempotency key of a webhook: sent twice, it is one
    message. What only mails need is left out of others, and the other way round.
    """

    key: str
    to: str
    subject: str
    text: str
    kind: ChannelKind = ChannelKind.EMAIL
    html: str | None = None
    thread: str | None = None  # mails with the same one belong together
    unsubscribe: str | None = None  # address to which a mail program may POST (RFC 8058)
    secret: str | None = None  # with which it is signed
    event: str = ""
    version: int = 1  # of the payload's shape
    at: datetime | None = None  # when it happened
    url: str | None = None  # the page of what it is about
    payload: Mapping[str, Any] = field(default_factory=dict)


class Channel(Protocol):
    def send(self, message: Message) -> None:
        """Hand the message to whoever brings it further.

        Raises:
            DeliveryRefusedError: it surely did not go, and never will.
            DeliveryUncertainError: nobody can say whether it went.
            DependencyError: it surely did not go; try again later.
        """
