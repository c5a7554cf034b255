"""Reading one version of an object as if it were a file."""

import errno
import io
import random
import time
from typing import TYPE_CHECKING, BinaryIO, cast

from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from app.adapters.storage.s3.client import TRIES, Connection, absent, refused
from app.adapters.storage.s3.objects import Found
from app.domain.errors import DependencyError
from app.log import get_logger

if TYPE_CHECKING:
    from botocore.response import StreamingBody

log = get_logger(__name__)

BUFFER = 1024**2
#: Asked of the store at once after a jump; each further piece is twice as long.
FIRST_PIECE = 1024**2
LAST_PIECE = 64 * 1024**2  # no request lasts so long that a slow reader loses it
_PAUSE = 0.2  # seconds, doubled each time


def open_object(at: Connection, found: Found) -> BinaryIO:
    """Return a buffered file of that very version."""
    return cast("BinaryIO", io.BufferedReader(_Object(at, found), BUFFER))


class _Object(io.RawIOBase):
    """Reads piece by piece, and goes on where a connection was lost.

    Raises:
        OSError: ESTALE: that version is gone; what was read before was still of it.
        DependencyError: the store does not answer.
    """

    def __init__(self, at: Connection, found: Found) -> None:
        super().__init__()
        self._at = at
        self._found = found
        self._position = 0
        self._body: StreamingBody | None = None
        self._end = 0  # of the piece that ``_body`` is in
        self._piece = FIRST_PIECE

    def readable(self) -> bool:
        """See `io.IOBase`."""
        return True

    def seekable(self) -> bool:
        """See `io.IOBase`."""
        return True

    def tell(self) -> int:
        """See `io.IOBase`."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """See `io.IOBase`. Asks the store for nothing yet."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._found.size}[whence]
        target = max(0, start + offset)
        if target != self._position:
            self._drop()
            self._position, self._piece = target, FIRST_PIECE
        return target

    def readinto(self, buffer: "memoryview | bytearray", /) -> int:  # type: ignore[override]
        """See `io.RawIOBase`."""
        wanted = min(len(buffer), self._found.size - self._position)
        if wanted <= 0:
            return 0
        data = self._read(wanted)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def close(self) -> None:
        """See `io.IOBase`."""
        self._drop()
        super().close()

    def _read(self, wanted: int) -> bytes:
        why: Exception | None = None
        for pause in (0.0, *(_PAUSE * 2**again for again in range(TRIES - 1))):
            if why is not None:
                log.warning("read_again", name=self._found.name, at=self._position, why=str(why))
                time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311  # no secret
            try:
                body = self._opened()
                if data := body.read(min(wanted, self._end - self._position)):
                    return data
                why = EOFError("the answer was too short")
            except ClientError as error:
                if refused(error) or absent(error):
                    raise OSError(errno.ESTALE, "The stored object changed", self._found.name) from error
                why = error
            except (BotoCoreError, HTTPError, OSError) as error:
                why = error
            self._drop()
        raise DependencyError("The storage does not answer as it should.", error=str(why)) from why

    def _opened(self) -> "StreamingBody":
        """Return the answer that goes on at the position, asking for the next piece if need be."""
        if self._body is None or self._position == self._end:
            self._drop()
            self._end = min(self._position + self._piece, self._found.size)
            self._piece = min(2 * self._piece, LAST_PIECE)
            reply = self._at.client.get_object(
                Bucket=self._at.bucket,
                Key=self._found.name,
                Range=f"bytes={self._position}-{self._end - 1}",
                **self._found.pin,
            )
            self._body = reply["Body"]
        return self._body

    def _drop(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None
