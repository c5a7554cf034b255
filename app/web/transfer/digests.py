"""Digests that senders announce: RFC 9530 fields and tus checksums."""

import base64
import binascii
import hashlib
import re
import zlib
from collections.abc import Callable
from typing import Final, Protocol

from werkzeug.datastructures import Headers

from app.domain.errors import BadRequestError
from app.web.body import Body

_SHA256_ITEM = re.compile(r"(?:^|,)\s*sha-256\s*=\s*:([A-Za-z0-9+/=]*):")


class Digest(Protocol):
    """What `hashlib` and `Crc32` have in common."""

    @property
    def digest_size(self) -> int: ...

    def update(self, data: memoryview, /) -> object: ...

    def hexdigest(self) -> str: ...


class Crc32:
    """CRC-32 as in gzip (RFC 1952), its four bytes most significant first."""

    digest_size = 4

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: memoryview, /) -> None:
        """Go on with ``data``."""
        self._value = zlib.crc32(data, self._value)

    def hexdigest(self) -> str:
        """Return the sum so far."""
        return f"{self._value:08x}"


#: tus name -> constructor, in the order of preference.
CHECKSUMS: Final[dict[str, Callable[[], Digest]]] = {
    "sha256": hashlib.sha256,
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "crc32": Crc32,
}


def sha256_field(headers: Headers, name: str) -> str | None:
    """Return the sha-256 of a Content-Digest or Repr-Digest field as hex; None if it names none.

    Other algorithms are ignored, as RFC 9530 section 2 asks of who does not know them.

    Raises:
        BadRequestError: not a digest.
    """
    value = headers.get(name)
    if value is None:
        return None
    found = _SHA256_ITEM.search(value)
    if found is None:
        if "sha-256" in value.lower():
            raise BadRequestError(f"{name} must look like sha-256=:<base64>:")
        return None
    return _hex(found[1], hashlib.sha256().digest_size, name)


def upload_checksum(headers: Headers) -> tuple[Digest, str] | None:
    """Return (fresh hasher, expected hex digest) of a tus Upload-Checksum field.

    Raises:
        BadRequestError: not a checksum, or of an algorithm that we do not offer (tus: 400).
    """
    value = headers.get("Upload-Checksum")
    if value is None:
        return None
    algorithm, _, encoded = value.strip().partition(" ")
    make = CHECKSUMS.get(algorithm.lower())
    if make is None:
        raise BadRequestError(f"Upload-Checksum may use {', '.join(CHECKSUMS)}.")
    hasher = make()
    return hasher, _hex(encoded.strip(), hasher.digest_size, "Upload-Checksum")


def _hex(encoded: str, size: int, name: str) -> str:
    try:
        digest = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise BadRequestError(f"{name} is not base64.") from error
    if len(digest) != size:
        raise BadRequestError(f"{name} has {len(digest)} bytes; {size} are needed.")
    return digest.hex()


class HashingBody:
    """A body that is hashed as it is read: for a Content-Digest over a whole multipart form."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self.hasher = hashlib.sha256()
        self.length = body.length

    def readinto(self, buffer: memoryview, /) -> int:
        """See `app.web.body.Body`."""
        size = self._body.readinto(buffer)
        self.hasher.update(buffer[:size])
        return size


class Hashers:
    """Several hashers fed as one, so that a chunk is read once."""

    def __init__(self, *hashers: Digest) -> None:
        self._hashers = hashers

    def update(self, data: memoryview, /) -> None:
        """Feed all of them."""
        for hasher in self._hashers:
            hasher.update(data)
