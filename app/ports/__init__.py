"""What the program needs from outside, as Protocols. `app.bootstrap` chooses who answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.domain.channels import ChannelKind
from app.domain.errors import DependencyError
from app.ports.channel import Channel, Message
from app.ports.fetching import Fetched, Fetcher
from app.ports.keys import KeyReport, SigningKey, SigningKeys
from app.ports.openid import OpenId
from app.ports.queue import JobQueue
from app.ports.scanner import Scanner
from app.ports.storage import (
    HasRoom,
    HasTiers,
    PresignsDownloads,
    PresignsUploads,
    Room,
    Settles,
    Side,
    Sink,
    Storage,
    Tags,
    Tier,
)
from app.ports.upload_events import Arrived, UploadEvent, UploadEvents

__all__ = [
    "Adapters",
    "Arrived",
    "Channel",
    "Fetched",
    "Fetcher",
    "HasRoom",
    "HasTiers",
    "JobQueue",
    "KeyReport",
    "Message",
    "OpenId",
    "PresignsDownloads",
    "PresignsUploads",
    "Room",
    "Scanner",
    "Settles",
    "Side",
    "SigningKey",
    "SigningKeys",
    "Sink",
    "Storage",
    "Tags",
    "Tier",
    "UploadEvent",
    "UploadEvents",
]


@dataclass(frozen=True, slots=True)
class Adapters:
    """The concrete parts of one process.

    ``storage`` takes what is new. What lies in one of the ``other_stores`` is read and deleted there.
    """

    storage: Storage
    scanner: Scanner
    queue: JobQueue
    mailer: Channel
    keys: SigningKeys
    openid: OpenId
    channels: Mapping[ChannelKind, Channel] = field(default_factory=dict)  # besides mail
    other_stores: tuple[Storage, ...] = ()
    upload_events: UploadEvents | None = None  # where the store says what has come to be in it

    @property
    def stores(self) -> tuple[Storage, ...]:
        return (self.storage, *self.other_stores)

    def channel(self, kind: ChannelKind) -> Channel:
        """Return what brings messages of that kind.

        Raises:
            DependencyError: it is not set up here.
        """
        if kind is ChannelKind.EMAIL:
            return self.mailer
        if kind not in self.channels:
            raise DependencyError("Nothing here can bring messages of that kind.", kind=kind)
        return self.channels[kind]

    def store(self, name: str) -> Storage:
        """Return the store of that name, as an upload's row has it.

        Raises:
            DependencyError: it is not set up here; so it is away, and nothing is lost.
        """
        for store in self.stores:
            if store.name == name:
                return store
        raise DependencyError("The storage that has this file is not set up here.", storage=name)
