"""What senders and fetchers do with the bucket themselves, at addresses that are signed here (SigV4).

A part's address is good for its length and its SHA-256 only, both of which are signed. It names no
object: that comes to be when `join_parts` completes the upload, on the condition that there is none.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from app.adapters.storage.s3.client import Connection, absent, code_of, refused, s3_errors
from app.adapters.storage.s3.names import FILES, INCOMING, name_of
from app.adapters.storage.s3.objects import find
from app.adapters.storage.s3.sealing import complete
from app.adapters.storage.s3.sums import Sums
from app.domain.errors import DigestMismatchError, NotFoundError, StateConflictError
from app.domain.parts import Part, SignedRequest

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import PartTypeDef

_CHECKSUM = "x-amz-checksum-sha256"
#: What S3 says to parts that are not the ones that were sent.
_OTHERS = {"InvalidPart", "InvalidPartOrder", "BadDigest", "EntityTooSmall"}


class Presigning:
    """`app.ports.PresignsUploads` and `app.ports.PresignsDownloads` over a bucket."""

    at: Connection

    def origin(self) -> str:
        """See `app.ports.PresignsUploads`."""
        return self._origin

    @cached_property
    def _origin(self) -> str:
        # Only boto3 knows how it addresses a bucket.
        parts = urlsplit(self._sign("get_object", {"Key": "x"}, seconds=1))
        return f"{parts.scheme}://{parts.netloc}"

    def begin_parts(self, key: str) -> str:
        """See `app.ports.PresignsUploads`."""
        with s3_errors():
            begun = self.at.client.create_multipart_upload(
                Bucket=self.at.bucket, Key=name_of(INCOMING, key), ChecksumAlgorithm="SHA256"
            )
        return begun["UploadId"]

    def sign_part(self, key: str, begun: str, part: Part, seconds: int) -> SignedRequest:
        """See `app.ports.PresignsUploads`."""
        url = self._sign(
            "upload_part",
            {
                "Key": name_of(INCOMING, key),
                "UploadId": begun,
                "PartNumber": part.number,
                "ContentLength": part.size,
                "ChecksumSHA256": part.sha256,
            },
            seconds,
        )
        return SignedRequest(url, {_CHECKSUM: part.sha256 or ""})

    def parts(self, key: str, begun: str) -> list[Part]:
        """See `app.ports.PresignsUploads`."""
        with s3_errors():
            return [
                Part(part["PartNumber"], part["Size"], part.get("ChecksumSHA256"))
                for part in self._parts(key, begun)
            ]

    def join_parts(
        self, key: str, begun: str, parts: Sequence[Part], note: Callable[[str], None] = lambda _: None
    ) -> str:
        """See `app.ports.PresignsUploads`. Checksums are compared by the store, and once more here."""
        expected = None
        with s3_errors():
            try:
                chosen = self._chosen(key, begun, parts)
                expected = str(Sums.of_parts(chosen))
                note(expected)
                complete(self.at, name_of(INCOMING, key), begun, chosen)
            except ClientError as error:
                if code_of(error) in _OTHERS:
                    raise StateConflictError("The store has other parts than those.", key=key) from error
                if not absent(error) and not refused(error):
                    raise
                # An earlier try was heard, and its answer lost.
        return self.joined(key, sum(part.size for part in parts), expected)

    def joined(self, key: str, size: int, expected: str | None = None) -> str:
        """See `app.ports.PresignsUploads`."""
        with s3_errors():
            found = find(self.at, name_of(INCOMING, key))
        if found is None or found.size != size:
            raise NotFoundError("The bytes of this upload are not here.", key=key)
        if expected and Sums.read(expected).contradict(found.etag, found.sha256):
            raise DigestMismatchError(
                "The store has made something else of those parts. Send the file again.", key=key
            )
        return found.version

    def sign_download(
        self, key: str, version: str, *, disposition: str, mimetype: str, seconds: int
    ) -> str | None:
        """See `app.ports.PresignsDownloads`. Nothing is pinned in a bucket without versioning."""
        with s3_errors():
            found = find(self.at, name_of(FILES, key))
        if found is None or found.version != version or found.version_id is None:
            return None
        return self._sign(
            "get_object",
            {
                "Key": found.name,
                "VersionId": found.version_id,
                "ResponseContentDisposition": disposition,
                "ResponseContentType": mimetype,
            },
            seconds,
        )

    def _sign(self, operation: str, parameters: Mapping[str, object], seconds: int) -> str:
        with s3_errors():
            return self.at.client.generate_presigned_url(
                operation, Params={"Bucket": self.at.bucket, **parameters}, ExpiresIn=seconds
            )

    def _parts(self, key: str, begun: str) -> "Iterator[PartTypeDef]":
        pages = self.at.client.get_paginator("list_parts").paginate(
            Bucket=self.at.bucket, Key=name_of(INCOMING, key), UploadId=begun
        )
        for page in pages:
            yield from page.get("Parts", ())

    def _chosen(self, key: str, begun: str, parts: Sequence[Part]) -> "list[PartTypeDef]":
        """Return the parts as the store has them. Raises StateConflictError: it has not all of them."""
        stored = {part["PartNumber"]: part for part in self._parts(key, begun)}
        if missing := [part.number for part in parts if part.number not in stored]:
            raise StateConflictError("The store has other parts than those.", key=key, missing=missing)
        # Whether the store tells them or not: nothing but what was signed with these was taken.
        return [{**stored[part.number], "ChecksumSHA256": part.sha256 or ""} for part in parts]
