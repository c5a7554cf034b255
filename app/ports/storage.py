"""Where bundles lie, as Protocols."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Literal, Protocol, runtime_checkable

from app.domain.parts import Part, SignedRequest
from app.domain.scan_status import ScanStatus


class Sink(Protocol):
    """An open, locked, unsealed object to which bytes are appended."""

    offset: int  # bytes, where the next write lands

    def write(self, data: memoryview) -> None:
        """Append all of ``data``.

        Raises:
            StorageFullError: no room; ``offset`` still names the last whole write.
            DependencyError: the store failed.
        """

    def sync(self) -> None:
        """Return when everything written so far is durable.

        Raises:
            StorageFullError, DependencyError: it is not, and must not be acknowledged.
        """


#: What is kept beside a bundle: the table of what lies in it, and its gzip seek index.
Side = Literal["members", "gzidx"]


class Storage(Protocol):
    """Where bundles lie. Keys are ours (``<organisation uuid>/<upload uuid>``).

    An object is *incoming* until it is sealed, then write-once. Beside a sealed object lie its
    sides, which say nothing that could not be read out of it again.
    """

    name: str
    look_seconds: float  # should lie between two looks at the version of an object that is being read

    def append(
        self, key: str, offset: int, confirm: Callable[[], None] = ...
    ) -> AbstractContextManager[Sink]:
        """Open the incoming object for writing at ``offset`` bytes, creating it at 0.

        ``confirm`` is called once nobody else can write, and raises when ``offset`` is no
        longer the right one. Then whatever lies beyond ``offset``, which was never
        acknowledged, is cut off. The offset is that of the last ``sync``, or the one before it.

        Raises:
            LockedError: somebody else is writing to it. Some stores cannot tell; there, what is
                sealed in the end is what one of the two wrote, or nothing.
            NotFoundError: the ``offset`` bytes are not there.
        """

    def seal(self, key: str, size: int) -> str:
        """Make the incoming object durable and write-once; return its version. Idempotent.

        Raises:
            NotFoundError: no object of exactly ``size`` bytes is there.
        """

    def open_incoming(self, key: str) -> BinaryIO:
        """Open the sealed object, or all that was received. Raises NotFoundError.

        A store may have to finish the object for that, so that nothing can be appended any more.
        """

    def open(self, key: str) -> tuple[BinaryIO, str]:
        """Open a sealed object; return it (a real file where there is one) and its version.

        Raises:
            NotFoundError: there is none.
            DependencyError: among others, where the store keeps this process from what has no tag yet.
        """

    def put_side(self, key: str, side: Side, content: BinaryIO, status: ScanStatus | None = None) -> None:
        """Keep ``content``, from where it stands, beside the sealed object, in place of any before.

        Whoever reads sees the old one or the new one, whole. ``status`` is written on it from the
        beginning, where the store can do so (`Tags`).

        Raises:
            NotFoundError: no object is sealed under that key.
            StorageFullError, DependencyError: nothing was replaced.
        """

    def open_side(self, key: str, side: Side) -> BinaryIO:
        """Open what is kept beside an object. Raises NotFoundError."""

    def delete(self, key: str) -> bool:
        """Remove the object, sealed or not, and its sides; what is already gone is not an error.

        False: the store does not let this process remove all of it.
        """

    def stored(self) -> Iterable[tuple[str, float]]:
        """Yield (key, seconds since it last changed) of everything stored, sealed or not.

        A key of which nothing but a side is left is among them.
        """

    def check(self) -> None:
        """Write and read back a small object, of which no more than one stays.

        Raises:
            DependencyError, StorageFullError: that went wrong.
        """


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes that are ``free`` for us, of ``total``."""

    free: int
    total: int


@runtime_checkable
class HasRoom(Protocol):
    """A store that can say how full it is."""

    def room(self) -> Room:
        """Return how much more it takes. Raises DependencyError."""


@dataclass(frozen=True, slots=True)
class Tier:
    """Sealed objects move to ``storage_class`` ``days`` after they came."""

    days: int
    storage_class: str


@runtime_checkable
class HasTiers(Protocol):
    """A store with cheaper places for what is old, from which everything can be read at once."""

    @property
    def place(self) -> str:
        """Where it is, for people."""

    def tier(self) -> Tier | None:
        """Return what moves when; None if nothing does. Raises DependencyError."""

    def set_tier(self, tier: Tier | None) -> None:
        """Let sealed objects move so, or no more; rules of others stay as they are.

        Raises:
            InvalidInputError: it cannot be so.
            DependencyError: the store did not take it.
        """


@runtime_checkable
class Settles(Protocol):
    """A store whose sealed objects a worker moves out of the senders' reach, before it scans them."""

    def settle(self, key: str, version: str) -> str:
        """Move exactly ``version`` of the object to where nobody overwrites it; return its version there.

        Idempotent: what was moved before, by a try whose caller died too, is not moved again.

        Raises:
            NotFoundError: that version is not here.
        """


@runtime_checkable
class Tags(Protocol):
    """A store that keeps, on an object, what is known of it, and can be told whom to give it to by that."""

    def tag(self, key: str, version: str, status: ScanStatus) -> None:
        """Write ``status`` on that very version of a sealed object and on its sides, in place of any before.

        Raises:
            NotFoundError: that version is not here.
            DependencyError: the store did not do so.
        """


@runtime_checkable
class PresignsUploads(Protocol):
    """A store to which senders may send parts of an incoming object themselves.

    Its `Storage.delete` gives up what was begun under a key too.
    """

    def origin(self) -> str:
        """Return scheme, host and port of the signed addresses. Raises DependencyError."""

    def begin_parts(self, key: str) -> str:
        """Begin an incoming object; return the store's name for the beginning."""

    def sign_part(self, key: str, begun: str, part: Part, seconds: int) -> SignedRequest:
        """Let ``part`` be sent: exactly its size and its SHA-256, within ``seconds``."""

    def parts(self, key: str, begun: str) -> list[Part]:
        """Return what has arrived, by number.

        Raises:
            NotFoundError: it was joined, or given up.
        """

    def join_parts(
        self, key: str, begun: str, parts: Sequence[Part], note: Callable[[str], None] = ...
    ) -> str:
        """Make an incoming object of the parts, never over another; return its version. Idempotent.

        ``note`` is called just before, with the sums that the object must have, for `joined`.

        Raises:
            NotFoundError: they are not here, and no object of their size is.
            StateConflictError: a part is not the one that was sent.
            DigestMismatchError: another object has come of them.
        """

    def joined(self, key: str, size: int, expected: str | None = None) -> str:
        """Return the version of the object that was made of parts, with the sums that were noted.

        Raises:
            NotFoundError: there is none of ``size`` bytes.
            DigestMismatchError: it is not the one that should have come of them.
        """


@runtime_checkable
class PresignsDownloads(Protocol):
    """A store from which others may fetch an object themselves."""

    def sign_download(
        self, key: str, version: str, *, disposition: str, mimetype: str, seconds: int
    ) -> str | None:
        """Return the address of that very version, good for ``seconds``; None if none can be pinned.

        The store answers with ``disposition`` and ``mimetype`` as Content-Disposition and -Type.
        """
