"""Writing an object of unknown length, so that what is durable can be told while it comes.

Bytes are collected into a part, sent when it is full. What is collected when they must be durable is
sent as a part if it is large enough to be one, and kept beside otherwise (`states`). So 64 MiB cost
eight requests for the parts, and one or two small ones for the word that they are there.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from app.adapters.storage.s3 import states
from app.adapters.storage.s3.client import Connection, s3_errors
from app.adapters.storage.s3.names import INCOMING, name_of
from app.adapters.storage.s3.states import KEPT, Parts, State
from app.adapters.storage.s3.sums import sha256_of
from app.domain.errors import DependencyError

MIB = 1024**2
LEAST_PART = 5 * MIB  # S3 takes no smaller part, except as the last one
FIRST_PART = 8 * MIB
#: A part is at least a thousandth of what comes before it: 20 GB have 1,870 parts of at most 20 MB,
#: or 3,292 if each is sent half full. 10,000, which is as many as S3 takes, hold 570 GB even then.
_OF_ALL = 1000


def part_size(start: int) -> int:
    """Return how many bytes the part that begins at byte ``start`` shall have."""
    return max(FIRST_PART, start // _OF_ALL)


class S3Sink:
    """An `app.ports.Sink` that goes on from a state of an incoming object."""

    def __init__(self, at: Connection, key: str, state: State) -> None:
        self.offset = state.offset
        self._at = at
        self._key = key
        self._parts = state.parts
        self._rest = bytearray(state.rest)
        self._kept = [state.offset] if state.offset else []
        self._failed = False

    def write(self, data: memoryview) -> None:
        """See `app.ports.Sink`. After an error the sink is dead: only what was synced counts."""
        end = self.offset + len(data)
        with self._all_or_nothing():
            while data:
                size = part_size(self._sent)
                room = size - len(self._rest)
                self._rest += data[:room]
                data = data[room:]
                if len(self._rest) == size:
                    self._send_part()
        self.offset = end

    def sync(self) -> None:
        """See `app.ports.Sink`."""
        if self._kept and self._kept[-1] == self.offset:
            return
        with self._all_or_nothing():
            if len(self._rest) >= max(LEAST_PART, part_size(self._sent) // 2):
                self._send_part()
            states.save(self._at, self._key, State(self._parts, bytes(self._rest)))
            self._kept.append(self.offset)
            states.drop(self._at, self._key, self._kept[:-KEPT])
            del self._kept[:-KEPT]

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        if self._failed:
            raise DependencyError("The storage lost bytes of this upload: continue from the last offset.")
        self._failed = True
        with s3_errors():
            yield
        self._failed = False

    @property
    def _sent(self) -> int:
        return self._parts.size if self._parts else 0

    def _send_part(self) -> None:
        if self._parts is None:
            self._parts = begin(self._at, self._key)
        data = bytes(self._rest)
        self._rest = bytearray()  # one copy is enough for as long as it takes
        self._parts = send_part(self._at, self._key, self._parts, data)


def begin(at: Connection, key: str) -> Parts:
    """Begin a multipart upload, of which every part has a SHA-256 that the store compares."""
    begun = at.client.create_multipart_upload(
        Bucket=at.bucket, Key=name_of(INCOMING, key), ChecksumAlgorithm="SHA256"
    )
    return Parts(begun["UploadId"])


def send_part(at: Connection, key: str, parts: Parts, data: bytes) -> Parts:
    """Send one more part; return all there are now. Raises ClientError, BotoCoreError."""
    sent = at.client.upload_part(
        Bucket=at.bucket,
        Key=name_of(INCOMING, key),
        UploadId=parts.upload_id,
        PartNumber=parts.count + 1,
        Body=data,
        ChecksumSHA256=sha256_of(data),
    )
    return parts.and_then(sent["ETag"], len(data))
