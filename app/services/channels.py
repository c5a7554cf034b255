"""Where the portal tells of things besides to people."""

import json
from dataclasses import dataclass

from app.models import Channel
from app.services import vault
from app.settings import Settings

_PURPOSE = "channel"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a channel writes to, and with what it signs."""

    address: str
    secret: str | None = None


def seal(settings: Settings, address: Address) -> str:
    """Return what a channel's row keeps of its address."""
    return vault.seal(settings, _PURPOSE, json.dumps({"address": address.address, "secret": address.secret}))


def unseal(settings: Settings, channel: Channel) -> Address:
    """Return where a channel writes to.

    Raises:
        DependencyError: the portal's key was changed, and the old one is not there.
    """
    return Address(**json.loads(vault.unseal(settings, _PURPOSE, channel.sealed)))
