"""`app.ports.Storage` over a bucket."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from app.adapters.storage.s3 import objects, sealing, settling, states
from app.adapters.storage.s3.appending import S3Sink
from app.adapters.storage.s3.client import Account, Connection, code_of, s3_errors
from app.adapters.storage.s3.names import FILES, INCOMING, key_of, name_of
from app.adapters.storage.s3.objects import forbidden
from app.adapters.storage.s3.presigning import Presigning
from app.adapters.storage.s3.reading import open_object
from app.adapters.storage.s3.tagging import Tagging
from app.adapters.storage.s3.tiering import Tiering
from app.domain.errors import DependencyError, NotFoundError, StateConflictError
from app.domain.scan_status import NAME, ScanStatus
from app.ports import Side

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ResponseMetadataTypeDef

PROBE = bytes(range(256)) * 16
_CHECK = f"{INCOMING}/check"  # no key of anything
_VERSIONS = ("Versions", "DeleteMarkers")
_ONE_BY_ONE = TransferConfig(use_threads=False)


class S3Storage(Presigning, Tagging, Tiering):
    """The objects of `names`. Nothing is connected until it is asked for something."""

    name = "s3"
    look_seconds = 2.0  # each is a request; and what is read is of one version anyway

    def __init__(self, account: Account) -> None:
        self.at = Connection(account)
        self._takes_tags = True

    @contextmanager
    def append(self, key: str, offset: int, confirm: Callable[[], None] = lambda: None) -> Iterator[S3Sink]:
        """See `app.ports.Storage`. Nobody is locked out: whoever was overtaken is found out when sealing.

        Raises:
            StateConflictError: the object is sealed.
        """
        with s3_errors():
            offsets, whole = states.offsets(self.at, key)
            if whole or (offset not in offsets and objects.is_there(self.at, name_of(FILES, key))):
                raise StateConflictError("This upload is complete already.", key=key)
            state = states.load(self.at, key, offset) if offset else states.NOTHING
        confirm()
        with s3_errors():
            states.drop(self.at, key, [other for other in offsets if other > offset])
        yield S3Sink(self.at, key, state)

    def seal(self, key: str, size: int) -> str:
        """See `app.ports.Storage`.

        Raises:
            StateConflictError: another object is sealed under this key.
        """
        with s3_errors():
            return sealing.seal(self.at, key, size).version

    def settle(self, key: str, version: str) -> str:
        """See `app.ports.Settles`."""
        with s3_errors():
            return settling.settle(self.at, key, version)

    def open_incoming(self, key: str) -> BinaryIO:
        """See `app.ports.Storage`. Parts cannot be read before they are joined: so they are."""
        with s3_errors():
            offsets, whole = states.offsets(self.at, key)
            if whole or not offsets:
                return open_object(self.at, objects.sealed(self.at, key))
            return open_object(self.at, sealing.seal(self.at, key, offsets[-1]))

    def open(self, key: str) -> tuple[BinaryIO, str]:
        """See `app.ports.Storage`. What is read is of that version, or an OSError."""
        with s3_errors():
            try:
                found = objects.sealed(self.at, key)
            except ClientError as error:
                if not forbidden(error):
                    raise
                raise DependencyError(
                    "The storage does not give out this file, or not yet. Try again in a moment.", key=key
                ) from error
        return open_object(self.at, found), found.version

    def put_side(self, key: str, side: Side, content: BinaryIO, status: ScanStatus | None = None) -> None:
        """See `app.ports.Storage`."""
        name = name_of(FILES, key, side)
        with s3_errors():
            objects.sealed(self.at, key)
            if not (status and self._takes_tags):
                self._upload(name, content)
                return
            start = content.tell()
            try:
                self._upload(name, cast("BinaryIO", _KeptOpen(content)), Tagging=f"{NAME}={status}")
            except ClientError as error:
                if code_of(error) != "NotImplemented":
                    raise
                self._takes_tags = False
                content.seek(start)
                self._upload(name, content)

    def _upload(self, name: str, content: BinaryIO, **more: str) -> None:
        self.at.client.upload_fileobj(
            content,
            self.at.bucket,
            name,
            ExtraArgs={"ChecksumAlgorithm": "SHA256", **more},
            Config=_ONE_BY_ONE,
        )

    def open_side(self, key: str, side: Side) -> BinaryIO:
        """See `app.ports.Storage`."""
        with s3_errors():
            found = objects.find(self.at, name_of(FILES, key, side))
        if found is None:
            raise NotFoundError("Nothing is kept beside this upload.", key=key, side=side)
        return open_object(self.at, found)

    def delete(self, key: str) -> bool:
        """See `app.ports.Storage`."""
        with s3_errors():
            gone = [objects.delete_all(self.at, area, key) for area in (INCOMING, FILES)]
        return all(gone)

    def stored(self) -> Iterable[tuple[str, float]]:
        """See `app.ports.Storage`. A key comes once for each thing that is stored under it.

        So of whatever a version is left, or only a note that it was deleted, that is found.
        """
        with s3_errors():
            for area in (INCOMING, FILES):
                yield from self._listed("list_object_versions", area, _VERSIONS, "LastModified")
                yield from self._listed("list_multipart_uploads", area, ("Uploads",), "Initiated")

    def check(self) -> None:
        """See `app.ports.Storage`.

        It stays, always the same one: the web may delete nothing, and another one may be reading it.
        """
        with s3_errors():
            self.at.client.put_object(Bucket=self.at.bucket, Key=_CHECK, Body=PROBE)
            read = self.at.client.get_object(Bucket=self.at.bucket, Key=_CHECK)["Body"].read()
        if read != PROBE:
            raise DependencyError("The storage does not give back what was written to it.")

    def _listed(
        self, operation: Any, area: str, what: Sequence[str], when: str
    ) -> Iterator[tuple[str, float]]:
        pages = self.at.client.get_paginator(operation).paginate(Bucket=self.at.bucket, Prefix=f"{area}/")
        for page in pages:
            now = _time_of(page["ResponseMetadata"])
            for item in chain.from_iterable(page.get(each, []) for each in what):
                if key := key_of(item["Key"]):
                    # some round the time of change up
                    yield key, max(0.0, (now - item[when]).total_seconds())


class _KeptOpen:
    """A file that stays open: boto3 closes what it has sent."""

    def __init__(self, content: BinaryIO) -> None:
        self._content = content

    def read(self, size: int = -1, /) -> bytes:
        return self._content.read(size)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._content.seek(offset, whence)

    def tell(self) -> int:
        return self._content.tell()

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        """Leave it open."""


def _time_of(answer: "ResponseMetadataTypeDef") -> datetime:
    """Return the store's own time, which its other times are measured by."""
    return parsedate_to_datetime(answer["HTTPHeaders"]["date"])
