"""Whole objects: which version is there, and getting rid of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from app.adapters.storage.s3.client import Connection, absent, code_of
from app.adapters.storage.s3.names import FILES, INCOMING, name_of
from app.domain.errors import NotFoundError
from app.log import get_logger

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

log = get_logger(__name__)

_AT_ONCE = 1000  # objects that one request may delete


@dataclass(frozen=True, slots=True)
class Found:
    """One version of an object, ``size`` bytes long. ``version_id`` only where the bucket keeps versions."""

    name: str
    size: int
    etag: str
    version_id: str | None
    sha256: str | None  # as `sums` has it; of an object made of parts, of their sums

    @property
    def version(self) -> str:
        """Name the content: whoever replaces it cannot keep this, nor the area.

        Without versions it rests on the ETag, an MD5 of the bytes, or of those of the parts. What it
        is good for is to notice; that the bytes are right is for the SHA-256 to say.
        """
        area = self.name.partition("/")[0]
        return f"{area}:{self.version_id or f'{self.size}-{self.etag}'}"

    @property
    def pin(self) -> dict[str, Any]:
        """What makes a request for the object fail unless it gets this very version."""
        return {"VersionId": self.version_id} if self.version_id else {"IfMatch": f'"{self.etag}"'}

    def source(self, bucket: str) -> dict[str, Any]:
        """Return the same, of a request that copies it."""
        pinned = {"VersionId": self.version_id} if self.version_id else {}
        return {
            "CopySource": {"Bucket": bucket, "Key": self.name, **pinned},
            "CopySourceIfMatch": f'"{self.etag}"',
        }


def find(at: Connection, name: str) -> Found | None:
    """Return the newest version of the object; None if there is none.

    Raises:
        ClientError: of one that this process may not read, too: see `forbidden`.
        BotoCoreError
    """
    try:
        head = at.client.head_object(Bucket=at.bucket, Key=name, ChecksumMode="ENABLED")
    except ClientError as error:
        # A policy that asks for a tag forbids what is not there, for it has none.
        if absent(error) or (forbidden(error) and not _listed(at, name)):
            return None
        raise
    version_id = head.get("VersionId")
    return Found(
        name,
        head["ContentLength"],
        head["ETag"].strip('"'),
        None if version_id == "null" else version_id,
        head.get("ChecksumSHA256"),
    )


def is_there(at: Connection, name: str) -> bool:
    """Whether there is such an object, readable or not. Raises ClientError, BotoCoreError."""
    try:
        return find(at, name) is not None
    except ClientError as error:
        if forbidden(error):
            return True
        raise


def _listed(at: Connection, name: str) -> bool:
    """Whether the bucket lists the object, which this process may not read. Raises ClientError."""
    first = at.client.list_objects_v2(
        Bucket=at.bucket, Prefix=name, MaxKeys=1
    )  # itself, before what is beside
    return any(item["Key"] == name for item in first.get("Contents", []))


def forbidden(error: ClientError) -> bool:
    """Whether the store does not let this process do so."""
    return code_of(error) in {"AccessDenied", "403"}


def sealed(at: Connection, key: str) -> Found:
    """Return the sealed object, wherever it lies. Raises NotFoundError."""
    found = find(at, name_of(FILES, key)) or find(at, name_of(INCOMING, key))
    if found is None:
        raise NotFoundError("The bytes of this upload are not here.", key=key)
    return found


def beside(at: Connection, area: str, key: str) -> dict[str, int]:
    """Return what lies under the key and beside it: name -> size in bytes."""
    name = name_of(area, key)
    pages = at.client.get_paginator("list_objects_v2").paginate(Bucket=at.bucket, Prefix=name)
    return {
        item["Key"]: item["Size"]
        for page in pages
        for item in page.get("Contents", [])
        if _belongs(item["Key"], name)
    }


def delete_all(at: Connection, area: str, key: str) -> bool:
    """Delete every version of what lies under the key and beside it, and what is begun there.

    Return whether nothing is left: False where this process may not delete all of it.
    """
    name = name_of(area, key)
    try:
        abort_all(at, area, key)
        pages = at.client.get_paginator("list_object_versions").paginate(Bucket=at.bucket, Prefix=name)
        return delete(
            at,
            (
                {"Key": item["Key"], "VersionId": item["VersionId"]}
                for page in pages
                for item in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
                if _belongs(item["Key"], name)
            ),
        )
    except ClientError as error:
        _leave_to_others(error)
        return False


def delete(at: Connection, objects: "Iterable[ObjectIdentifierTypeDef]") -> bool:
    """Delete objects; whether this process may. What is already gone is not an error. Raises ClientError."""
    todo, allowed = list(objects), True
    for start in range(0, len(todo), _AT_ONCE):
        try:
            _delete(at, todo[start : start + _AT_ONCE])
        except ClientError as error:
            _leave_to_others(error)
            allowed = False
    return allowed


def _delete(at: Connection, objects: "Sequence[ObjectIdentifierTypeDef]") -> None:
    reply = at.client.delete_objects(Bucket=at.bucket, Delete={"Objects": objects, "Quiet": True})
    for error in reply.get("Errors", []):  # of single objects, in an answer that is 200
        if error.get("Code") not in {"NoSuchKey", "NoSuchVersion"}:
            raise ClientError(
                {"Error": {"Code": error.get("Code", ""), "Message": error.get("Message", "")}},
                "DeleteObjects",
            )


def _leave_to_others(error: ClientError) -> None:
    """Leave what this process may not delete (the web, at AWS) to one that may.

    A worker tidies up when it settles, and the scheduler sweeps away what no row needs.

    Raises:
        ClientError: it is another error.
    """
    if not forbidden(error):
        raise error
    log.info("not_ours_to_delete", why=str(error))


def abort_all(at: Connection, area: str, key: str, *, but: str | None = None) -> None:
    """Give up every multipart upload to the key, except ``but``."""
    name = name_of(area, key)
    pages = at.client.get_paginator("list_multipart_uploads").paginate(Bucket=at.bucket, Prefix=name)
    for page in pages:
        for begun in page.get("Uploads", []):
            if begun["Key"] == name and begun["UploadId"] != but:
                abort(at, name, begun["UploadId"])


def abort(at: Connection, name: str, upload_id: str) -> None:
    """Give up a multipart upload; one that has ended is not an error."""
    try:
        at.client.abort_multipart_upload(Bucket=at.bucket, Key=name, UploadId=upload_id)
    except ClientError as error:
        if not absent(error):
            raise


def _belongs(found: str, name: str) -> bool:
    return found == name or found.startswith(f"{name}.")
