"""SHA-256 of uploads that arrive in chunks, kept between the chunks."""

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from hashlib import _Hash

_KEPT = 1000


class PartialHashes:
    """Remembers the hasher of an upload at its durable offset, in this process.

    A hasher's state cannot be stored, so a chunk that reaches another process, or this one
    after a restart, finds nothing; then the stored bytes are read once more when sealing.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[UUID, tuple[int, _Hash]] = OrderedDict()

    def take(self, upload_id: UUID, offset: int) -> "_Hash | None":
        """Return the hasher that was fed exactly the first ``offset`` bytes, and forget it."""
        with self._lock:
            at, hasher = self._kept.pop(upload_id, (None, None))
        return hasher if at == offset else None

    def keep(self, upload_id: UUID, offset: int, hasher: "_Hash") -> None:
        """Remember ``hasher``, fed the first ``offset`` bytes."""
        with self._lock:
            self._kept[upload_id] = (offset, hasher)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
