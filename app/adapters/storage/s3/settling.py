"""From ``incoming/`` into the write-once area, which senders cannot write to. The store copies.

It may be repeated after a crash at any point, or happen twice at a time.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from app.adapters.storage.s3 import objects
from app.adapters.storage.s3.client import Connection, absent, refused
from app.adapters.storage.s3.names import FILES, INCOMING, name_of
from app.adapters.storage.s3.objects import Found
from app.adapters.storage.s3.sealing import complete
from app.domain.errors import NotFoundError

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import PartTypeDef

PIECE = 512 * 1024**2  # bytes copied by one request; 10,000 of them are S3's largest object
_AT_ONCE = 4  # requests


def settle(at: Connection, key: str, version: str) -> str:
    """Copy exactly that version, then remove what is incoming; return the copy's version.

    Raises:
        NotFoundError: that version is not here.
        ClientError, BotoCoreError
    """
    target = name_of(FILES, key)
    there = objects.find(at, target)
    if there is None:
        there = _copy(at, key, version)
    elif version.startswith(f"{FILES}:") and there.version != version:
        raise NotFoundError("The stored object is another one now.", key=key, found=there.version)
    objects.abort_all(at, FILES, key)
    objects.delete_all(at, INCOMING, key)
    return there.version


def _copy(at: Connection, key: str, version: str) -> Found:
    source = objects.find(at, name_of(INCOMING, key))
    if source is None or source.version != version:
        found = source and source.version
        raise NotFoundError("The bytes of this upload are not here as they were.", key=key, found=found)
    target = name_of(FILES, key)
    try:
        _copy_pieces(at, source, target)
    except ClientError as error:
        if not absent(error) and not refused(error):
            raise
        # Somebody was faster; or the source changed, and there is no copy.
    there = objects.find(at, target)
    if there is None or there.size != source.size:
        raise NotFoundError("The bytes of this upload are not here as they were.", key=key)
    return there


def _copy_pieces(at: Connection, source: Found, target: str) -> None:
    """Copy side by side: CopyObject ends at 5 GiB, and takes minutes long before."""
    begun = at.client.create_multipart_upload(Bucket=at.bucket, Key=target)

    def copy(start: int) -> "PartTypeDef":
        number, end = start // PIECE + 1, min(start + PIECE, source.size)
        reply = at.client.upload_part_copy(
            Bucket=at.bucket,
            Key=target,
            UploadId=begun["UploadId"],
            PartNumber=number,
            CopySourceRange=f"bytes={start}-{end - 1}",
            **source.source(at.bucket),
        )
        return {"PartNumber": number, "ETag": reply["CopyPartResult"]["ETag"]}

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        parts = list(pool.map(copy, range(0, source.size, PIECE)))
    complete(at, target, begun["UploadId"], parts)
