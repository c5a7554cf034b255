"""What is there of an object that is not whole yet, so that any host can go on with it.

Whole parts lie in a multipart upload, where nobody can read them, nor take one back. The rest, too
short for a part, lies in ``incoming/<key>.<offset>``, which also says what it is the rest of. So an
offset may be told to a sender as soon as that small object is there, and every offset that was told
has one of its own: whoever goes on from an earlier one finds things as they were then.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from botocore.exceptions import ClientError

from app.adapters.storage.s3 import objects
from app.adapters.storage.s3.client import Connection, absent
from app.adapters.storage.s3.names import INCOMING, name_of
from app.adapters.storage.s3.sums import sha256_of
from app.domain.errors import NotFoundError

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import PartTypeDef

KEPT = 2  # states of an upload: the sender may not have been told of the newest


@dataclass(frozen=True, slots=True)
class Parts:
    """The first ``count`` parts of a multipart upload, ``size`` bytes together.

    ``chain`` is a SHA-256 over all their ETags, as the store gave them to whoever sent the parts. A
    part that somebody else has put in the place of one of them breaks it.
    """

    upload_id: str
    count: int = 0
    size: int = 0
    chain: str = ""

    def and_then(self, etag: str, size: int) -> Self:
        """Return them with one more."""
        link = f"{self.chain} {self.count + 1} {size} {etag.strip(chr(34))}"
        chain = hashlib.sha256(link.encode()).hexdigest()
        return replace(self, count=self.count + 1, size=self.size + size, chain=chain)

    def said(self) -> dict[str, str]:
        """Return what an object's metadata say of them."""
        return {
            "upload": self.upload_id,
            "count": str(self.count),
            "size": str(self.size),
            "chain": self.chain,
        }


@dataclass(frozen=True, slots=True)
class State:
    """``offset`` bytes: those of ``parts``, if there are any, and then ``rest``."""

    parts: Parts | None
    rest: bytes

    @property
    def offset(self) -> int:
        return (self.parts.size if self.parts else 0) + len(self.rest)


NOTHING = State(None, b"")


def offsets(at: Connection, key: str) -> tuple[list[int], bool]:
    """Return the offsets that are kept, in order, and whether the object is whole besides."""
    name = name_of(INCOMING, key)
    there = objects.beside(at, INCOMING, key)
    suffixes = (found.removeprefix(f"{name}.") for found in there if found != name)
    return sorted(int(suffix) for suffix in suffixes if suffix.isdecimal()), name in there


def load(at: Connection, key: str, offset: int) -> State:
    """Return the state at that offset. Raises NotFoundError."""
    try:
        found = at.client.get_object(Bucket=at.bucket, Key=name_of(INCOMING, key, offset))
    except ClientError as error:
        if absent(error):
            raise _lost(key) from error
        raise
    said = found["Metadata"]
    parts = None
    if "upload" in said:
        parts = Parts(said["upload"], int(said["count"]), int(said["size"]), said["chain"])
    state = State(parts, found["Body"].read())
    if state.offset != offset:
        raise _lost(key)
    return state


def save(at: Connection, key: str, state: State) -> None:
    """Keep the state under its offset. When this returns it is durable."""
    at.client.put_object(
        Bucket=at.bucket,
        Key=name_of(INCOMING, key, state.offset),
        Body=state.rest,
        ChecksumSHA256=sha256_of(state.rest),
        Metadata=state.parts.said() if state.parts else {},
    )


def drop(at: Connection, key: str, gone: Sequence[int]) -> None:
    """Delete the states at those offsets."""
    objects.delete(at, [{"Key": name_of(INCOMING, key, offset)} for offset in gone])


def verified(at: Connection, key: str, parts: Parts) -> "list[PartTypeDef]":
    """Return the parts as the store has them, if they are those that were sent.

    Raises:
        NotFoundError: they are not; nobody knows what is there, and the upload begins again.
        ClientError: NoSuchUpload among others.
    """
    pages = at.client.get_paginator("list_parts").paginate(
        Bucket=at.bucket, Key=name_of(INCOMING, key), UploadId=parts.upload_id
    )
    stored = [part for page in pages for part in page.get("Parts", [])]
    stored = [part for part in stored if part["PartNumber"] <= parts.count]
    chained = Parts(parts.upload_id)
    for part in stored:
        chained = chained.and_then(part["ETag"], part["Size"])
    if chained != parts:
        raise _lost(key)
    return stored


def _lost(key: str) -> NotFoundError:
    return NotFoundError("Those bytes are no longer here: begin again.", key=key)
