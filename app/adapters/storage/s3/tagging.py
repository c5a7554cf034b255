"""What is known of a bundle, as a tag of its object and of what lies beside it.

The bucket's policy reads it (docs/storage.md). The tags of objects in the write-once area are ours alone:
those of anybody else are written over.
"""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from app.adapters.storage.s3 import objects
from app.adapters.storage.s3.client import Connection, code_of, s3_errors
from app.adapters.storage.s3.names import FILES, INCOMING, name_of
from app.domain.errors import NotFoundError
from app.domain.scan_status import NAME, ScanStatus

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import TaggingTypeDef


class Tagging:
    """`app.ports.Tags` over a bucket. One that knows no tags has no policy about them either."""

    at: Connection

    def tag(self, key: str, version: str, status: ScanStatus) -> None:
        """See `app.ports.Tags`."""
        if version.startswith(f"{INCOMING}:"):
            return  # never moved, because no scan came so far: nothing is sent from there
        with s3_errors():
            found = objects.find(self.at, name_of(FILES, key))
            if found is None or found.version != version:
                raise NotFoundError("The stored object is another one now.", key=key)
            try:
                self._put(found.name, status, found.version_id)
                for name in objects.beside(self.at, FILES, key):
                    if name != found.name:
                        self._put(name, status)
            except ClientError as error:
                if code_of(error) != "NotImplemented":
                    raise

    def _put(self, name: str, status: ScanStatus, version_id: str | None = None) -> None:
        pinned: dict[str, Any] = {"VersionId": version_id} if version_id else {}
        tags: TaggingTypeDef = {"TagSet": [{"Key": NAME, "Value": status}]}
        self.at.client.put_object_tagging(Bucket=self.at.bucket, Key=name, Tagging=tags, **pinned)
