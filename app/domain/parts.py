"""Bundles that are sent in parts straight to the store: how they are cut, and what one part is."""

import binascii
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from app.domain.errors import InvalidInputError

_MIB = 1024**2
SMALLEST: Final = 16 * _MIB  # S3 takes no smaller parts than 5 MiB, but for the last
MOST: Final = 1_000  # parts; S3 takes 10,000, and lists 1,000 at a time


@dataclass(frozen=True, slots=True)
class Part:
    """One part: ``number`` from 1, ``size`` in bytes.

    ``sha256`` is base64, as S3 has it; None where a store does not tell.
    """

    number: int
    size: int
    sha256: str | None


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What anybody may send to the store for a while, exactly so."""

    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Cut:
    """How ``size`` bytes (1 or more) are cut into parts: all but the last have the same size."""

    size: int

    @property
    def part_size(self) -> int:
        """Bytes of each part but the last: whole MiB, and as many as it takes to have few parts."""
        return max(SMALLEST, -(-self.size // (MOST * _MIB)) * _MIB)

    @property
    def count(self) -> int:
        return -(-self.size // self.part_size)

    def size_of(self, number: int) -> int:
        """Return the bytes of a part. Raises InvalidInputError if there is none of that number."""
        if not 1 <= number <= self.count:
            raise InvalidInputError(f"This upload has the parts 1 to {self.count:,}.", number=number)
        return min(self.part_size, self.size - (number - 1) * self.part_size)


def checked_sha256(value: object) -> str:
    """Return a part's SHA-256 as S3 has it: base64 of 32 bytes. Raises InvalidInputError."""
    try:
        if isinstance(value, str) and len(b64decode(value, validate=True)) == sha256().digest_size:
            return value
    except binascii.Error:
        pass
    raise InvalidInputError("The sha256 of a part is base64 of its 32 bytes, 44 characters.")
