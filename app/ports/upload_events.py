"""Word from a store that something has come to be in it, as a Protocol."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Arrived:
    """An incoming object of ``size`` bytes was put together under ``key``."""

    key: str
    size: int


@dataclass(frozen=True, slots=True)
class UploadEvent:
    """One message. ``problem``: why nothing can be read out of it, if that is so.

    ``arrived`` is empty where it is about nothing of ours: objects elsewhere, a test. ``times``: how often
    it was received, this time included.
    """

    receipt: str
    arrived: tuple[Arrived, ...] = ()
    problem: str | None = None
    times: int = 1


class UploadEvents(Protocol):
    """A queue of them. What is neither deleted nor put off comes again; after a few times, nowhere."""

    def receive(self) -> Sequence[UploadEvent]:
        """Wait a while for some; none came if there are none. Raises DependencyError."""

    def delete(self, event: UploadEvent) -> None:
        """Have done with it. Raises DependencyError."""

    def put_off(self, event: UploadEvent, seconds: int) -> None:
        """Let it come again in so many seconds. Raises DependencyError."""
