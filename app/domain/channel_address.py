"""Where a channel writes to: what may be typed for each kind, and how much of it is shown."""

import re
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from app.domain import naming, web_address
from app.domain.channels import ChannelKind
from app.domain.errors import InvalidInputError
from app.domain.networks import is_public

MAX_SHOWN: Final = 200
_TAIL: Final = 4  # characters by which people tell two addresses of one host apart, ...
_LONG: Final = 16  # ... if what follows the host is so long that they give nothing away

#: A topic's ARN: partition, region, account, name.
_TOPIC: Final = re.compile(
    r"arn:aws[a-z-]{0,20}:sns:(?P<region>[a-z]{2}[a-z0-9-]{1,30}):\d{12}:[A-Za-z0-9_-]{1,256}(?P<fifo>\.fifo)?",
    re.ASCII,
)


def clean(kind: ChannelKind, typed: str, *, plain: bool) -> str:
    """Return the address of a channel of that kind as it is kept.

    ``plain``: for development, http:// will do too.

    Raises:
        InvalidInputError: it is none; the message never quotes it.
    """
    address = typed.strip()
    match kind:
        case ChannelKind.EMAIL:
            return naming.clean_email(address)
        case ChannelKind.SNS:
            if not _TOPIC.fullmatch(address):
                raise InvalidInputError(
                    "Write the topic's ARN, for example arn:aws:sns:eu-central-1:123456789012:bundles."
                )
        case ChannelKind.WEBHOOK | ChannelKind.SLACK | ChannelKind.TEAMS:
            try:
                parts = web_address.take_apart(address)
            except ValueError as error:
                raise InvalidInputError(str(error)) from error
            if parts.scheme != "https" and not plain:
                raise InvalidInputError("The address must begin with https://.")
            if not _may_be_visited(parts.hostname or "", plain=plain):
                raise InvalidInputError(
                    "The address lies in a private network, which the portal does not visit."
                )
    return address


def _may_be_visited(host: str, *, plain: bool) -> bool:
    """Whether a host is a name, or a number on the public Internet. What a name means is asked later."""
    try:
        found = ip_address(host)
    except ValueError:
        return True
    return is_public(found) or (plain and found.is_loopback)


def shown(kind: ChannelKind, address: str) -> str:
    """Return as much of an address as may be read: of a web address host, port and its last characters."""
    if kind in {ChannelKind.EMAIL, ChannelKind.SNS}:
        text = address
    else:
        parts = urlsplit(address)
        rest = f"{parts.path}?{parts.query}" if parts.query else parts.path
        text = f"{parts.netloc.lower()}/…{rest[-_TAIL:] if len(rest) >= _LONG else ''}"
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"


def region_of(topic: str) -> str:
    """Return the region in a topic's ARN. Raises ValueError: it is none."""
    found = _TOPIC.fullmatch(topic)
    if found is None:
        raise ValueError("not the ARN of a topic")
    return found["region"]


def is_fifo(topic: str) -> bool:
    """Whether a topic keeps order and drops what comes twice within five minutes."""
    return topic.endswith(".fifo")
