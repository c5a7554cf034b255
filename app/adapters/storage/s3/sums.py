"""Checksums as S3 writes them: SHA-256 in base64, MD5 in hex."""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import PartTypeDef

_MD5_DIGITS = 32
_UNKNOWN = "-"


@dataclass(frozen=True, slots=True)
class Sums:
    """What the checksums of an object should be; None where nobody can say.

    A store that encrypts gives ETags that are no MD5, and not every store tells SHA-256s.
    """

    md5: str | None
    sha256: str | None

    @classmethod
    def read(cls, text: str) -> Self:
        """Return what ``str`` made a text of."""
        md5, _, sha256 = text.partition(" ")
        return cls(*(None if each == _UNKNOWN else each for each in (md5, sha256)))

    def __str__(self) -> str:
        return " ".join(each or _UNKNOWN for each in (self.md5, self.sha256))

    @classmethod
    def of(cls, content: bytes) -> Self:
        """Return those of an object that is sent in one piece."""
        md5 = hashlib.md5(content, usedforsecurity=False)  # S3's own
        return cls(md5.hexdigest(), sha256_of(content))

    @classmethod
    def of_parts(cls, parts: "Sequence[PartTypeDef]") -> Self:
        """Return those of an object made of parts: sums over their sums."""
        tags = [part["ETag"].strip('"') for part in parts]
        md5 = None
        if all(len(tag) == _MD5_DIGITS for tag in tags):
            joined = b"".join(map(bytes.fromhex, tags))
            md5 = hashlib.md5(joined, usedforsecurity=False).hexdigest()
        told = [part["ChecksumSHA256"] for part in parts if "ChecksumSHA256" in part]
        sha256 = sha256_of(b"".join(map(b64decode, told))) if len(told) == len(parts) else None
        return cls(md5, sha256)

    def contradict(self, etag: str, sha256: str | None) -> bool:
        """Whether what a store tells of an object shows that it is another.

        By its SHA-256, if that is told. An ETag may look like an MD5 and be none: with SSE-KMS, for one.
        """
        told = (sha256 or "").partition("-")[0]  # some append the number of parts
        if told and self.sha256:
            return told != self.sha256
        tag, _, count = etag.partition("-")
        is_md5 = len(tag) == _MD5_DIGITS and (not count or count.isdecimal())
        return is_md5 and self.md5 not in {None, tag}


def sha256_of(data: bytes) -> str:
    """Return the SHA-256 as a header has it."""
    return b64encode(hashlib.sha256(data).digest()).decode()
