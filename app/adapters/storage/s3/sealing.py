"""From an unfinished object to a whole one, under ``incoming/``, without ever overwriting.

It may be repeated after a crash, or happen twice at a time: what is there tells how far it came.
"""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from app.adapters.storage.s3 import objects, states
from app.adapters.storage.s3.appending import send_part
from app.adapters.storage.s3.client import Connection, absent, code_of, refused
from app.adapters.storage.s3.names import INCOMING, name_of
from app.adapters.storage.s3.objects import Found
from app.adapters.storage.s3.states import State
from app.adapters.storage.s3.sums import Sums, sha256_of
from app.domain.errors import DependencyError, NotFoundError, StateConflictError

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, PartTypeDef

_OTHERS = {"InvalidPart", "InvalidPartOrder", "EntityTooSmall"}


def seal(at: Connection, key: str, size: int) -> Found:
    """Make the incoming object whole; return it.

    Raises:
        NotFoundError: there are not ``size`` bytes, or not those that were sent.
        StateConflictError: another object is there.
        ClientError, BotoCoreError
    """
    found = objects.find(at, name_of(INCOMING, key))
    if found is None:
        try:
            state = states.load(at, key, size)
        except NotFoundError:  # nor is it there any more if somebody was faster
            found = objects.sealed(at, key)
        else:
            found = _make(at, key, state)
    if found.size != size:
        raise NotFoundError("No object of that size is here.", key=key, size=size)
    states.drop(at, key, states.offsets(at, key)[0])
    return found


def _make(at: Connection, key: str, state: State) -> Found:
    expected, doubt = None, None
    try:
        if state.parts is None:
            expected = Sums.of(state.rest)
            _put(at, key, state.rest)
        else:
            sent = send_part(at, key, state.parts, state.rest) if state.rest else state.parts
            parts = states.verified(at, key, sent)
            expected = Sums.of_parts(parts)
            complete(at, name_of(INCOMING, key), sent.upload_id, parts)
    except ClientError as error:
        if code_of(error) in _OTHERS:
            raise NotFoundError("The store has other parts than were sent.", key=key) from error
        if not absent(error) and not refused(error):
            raise
        doubt = error  # somebody was faster, or an earlier request was heard and its answer lost
    found = objects.find(at, name_of(INCOMING, key))
    if found is None and doubt is None:
        raise DependencyError("The storage does not have what it has just taken.", key=key)
    if found is None:
        raise NotFoundError("Those bytes are no longer here: begin again.", key=key) from doubt
    if found.size != state.offset or (expected and expected.contradict(found.etag, found.sha256)):
        raise StateConflictError("Another object is sealed there.", key=key)
    return found


def _put(at: Connection, key: str, content: bytes) -> None:
    at.client.put_object(
        Bucket=at.bucket,
        Key=name_of(INCOMING, key),
        Body=content,
        ChecksumSHA256=sha256_of(content),
        IfNoneMatch="*",
    )


def complete(at: Connection, name: str, upload_id: str, parts: "list[PartTypeDef]") -> None:
    """Make an object of the parts, unless there is one. Raises ClientError, BotoCoreError."""
    at.client.complete_multipart_upload(
        Bucket=at.bucket,
        Key=name,
        UploadId=upload_id,
        MultipartUpload={"Parts": [_completed(part) for part in parts]},
        IfNoneMatch="*",
    )


def _completed(part: "PartTypeDef") -> "CompletedPartTypeDef":
    told: CompletedPartTypeDef = {"PartNumber": part["PartNumber"], "ETag": part["ETag"]}
    if "ChecksumSHA256" in part:  # whoever began it with checksums wants them again
        told["ChecksumSHA256"] = part["ChecksumSHA256"]
    return told
