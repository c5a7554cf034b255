"""tus 1.0.0 (https://tus.io/protocols/resumable-upload): core, and the extensions named below.

The offset told to the sender is the one committed to Postgres after the bytes were made
durable, so it is true after any crash. An upload belongs to whoever began it, account or ticket:
from another browser, or after signing in again, it goes on.
"""

from http import HTTPStatus
from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue

from app.domain.errors import (
    BadRequestError,
    ForbiddenError,
    GoneError,
    LockedError,
    OffsetConflictError,
    StateConflictError,
    TruncatedBodyError,
)
from app.domain.lifecycle import STORED, UploadState
from app.domain.policy import Permission
from app.models import Upload
from app.queries import transfers
from app.services import removal
from app.services.intake import joining, records
from app.web.access import check_csrf, public, requires
from app.web.context import actor, store_of, system, work
from app.web.open_bodies import StoppingError
from app.web.transfer import chunk, door, parallel, tus_headers
from app.web.transfer.blueprint import blueprint
from app.web.transfer.digests import CHECKSUMS
from app.web.transfer.turns import work_in_turn
from app.web.transfer.tus_answers import come_again, described, respond, taken
from app.web.transfer.tus_headers import VERSION, check_version
from app.web.transfer.writers import asked

EXTENSIONS = (
    "creation,creation-with-upload,creation-defer-length,checksum,expiration,termination,concatenation"
)
PATCH_TYPE = "application/offset+octet-stream"


@blueprint.route("/tus", methods=["OPTIONS"])
@blueprint.route("/tus/<uuid:upload_id>", methods=["OPTIONS"])
@public
def capabilities(upload_id: UUID | None = None) -> ResponseReturnValue:  # noqa: ARG001
    """Say what is understood here."""
    return respond(
        HTTPStatus.NO_CONTENT,
        {
            "Tus-Version": VERSION,
            "Tus-Extension": EXTENSIONS,
            "Tus-Max-Size": system().settings.max_upload_bytes,
            "Tus-Checksum-Algorithm": ",".join(CHECKSUMS),
        },
    )


@blueprint.post("/tus")
@requires(Permission.UPLOAD_CREATE, streams=True)
def create() -> ResponseReturnValue:
    """Make room for an upload or a part, or join parts (creation, concatenation)."""
    if _method() == "OPTIONS":
        return capabilities()
    check_version(request)
    check_csrf(request.headers.get("X-CSRFToken"))
    concat = tus_headers.concat(request)
    announced = tus_headers.announcement(request, concat)
    echoed = tus_headers.echoed(request)
    storage = system().adapters.storage.name
    with work_in_turn() as uow:
        if concat.final:
            upload = joining.begin(uow, announced, concat.parts, storage)
        else:
            upload = records.start(uow, announced, storage)
        if echoed and upload.echoed is None:
            upload.echoed = echoed
    if concat.final:
        return taken(parallel.join(upload), created=True)
    if request.mimetype == PATCH_TYPE and request.content_length != 0:
        upload = _first_chunk(upload)
    return taken(upload, created=True)


def _first_chunk(upload: Upload) -> Upload:
    """Take what came along with the creation (creation-with-upload)."""
    try:
        return chunk.take(upload, start=0)
    except TruncatedBodyError:
        with work() as uow:  # it goes on from here
            return transfers.own(uow.session, uow.actor, upload.id)
    except Exception as error:
        door.give_up(upload, error)  # nobody was told where it is
        raise


@blueprint.route("/tus/<uuid:upload_id>", methods=["HEAD", "PATCH", "DELETE", "POST"])
@requires(Permission.UPLOAD_CREATE, streams=True)
def resource(upload_id: UUID) -> ResponseReturnValue:
    """Ask where to go on, take a chunk, or end the upload."""
    method = _method()
    if method == "OPTIONS":
        return capabilities()
    check_version(request)
    if method == "HEAD":
        return _tell(_own(upload_id))
    check_csrf(request.headers.get("X-CSRFToken"))
    if method == "PATCH":
        return _take(_own(upload_id))
    if method == "DELETE":
        return _end(_own(upload_id))
    raise BadRequestError("Here, X-HTTP-Method-Override may be HEAD, PATCH, DELETE or OPTIONS.")


def _method() -> str:
    """Return the method that is meant: a proxy may not know PATCH and DELETE (core)."""
    return request.headers.get("X-HTTP-Method-Override", request.method).strip().upper()


def _own(upload_id: UUID) -> Upload:
    with work() as uow:
        return transfers.own(uow.session, uow.actor, upload_id)


def _tell(upload: Upload) -> ResponseReturnValue:
    """Tell where to go on. An upload that only lacks its seal gets it now."""
    if upload.joined_into:
        upload = _part_of(upload, _own(upload.joined_into))
    elif upload.state is UploadState.RECEIVING:
        try:
            upload = _advanced(upload)
        except LockedError:  # being joined, or sealed: only parts and chunks have an offset
            fields = described(upload)
            if tus_headers.is_final(upload):
                del fields["Upload-Offset"]
            return respond(HTTPStatus.OK, fields)
    if not (upload.state is UploadState.RECEIVING or upload.state in STORED or upload.joined_into):
        raise GoneError("This upload has ended. Send the file again.")
    return respond(HTTPStatus.OK, described(upload))


def _advanced(upload: Upload) -> Upload:
    if tus_headers.is_final(upload):
        return parallel.join(upload)
    if upload.received_bytes != upload.declared_bytes:
        return asked(upload)
    return upload if upload.partial else chunk.finish(upload)


def _part_of(part: Upload, whole: Upload) -> Upload:
    """Return a part that was joined: as long as the whole is there, so is the part. Raises GoneError."""
    if whole.state is UploadState.RECEIVING or whole.state in STORED:
        return part
    raise GoneError("What this is a part of has ended. Send the file again.")


def _take(upload: Upload) -> ResponseReturnValue:
    if request.mimetype != PATCH_TYPE:
        return respond(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, {"Accept": PATCH_TYPE})
    if tus_headers.is_final(upload):
        raise ForbiddenError("This upload is made of parts; nothing can be added to it.")
    start = tus_headers.decimal(request, "Upload-Offset")
    if upload.state in STORED and start == upload.size and not request.content_length:
        return taken(upload)  # the answer to the last chunk was lost on its way
    if upload.state is not UploadState.RECEIVING:
        raise GoneError("This upload has ended. Send the file again.")
    if start != upload.received_bytes:
        raise OffsetConflictError(f"The next chunk begins at byte {upload.received_bytes:,}.")
    length = tus_headers.decimal(request, "Upload-Length") if "Upload-Length" in request.headers else None
    try:
        return taken(chunk.take(upload, start=start, length=length))
    except StoppingError as error:
        return come_again(_own(upload.id), error)


def _end(upload: Upload) -> ResponseReturnValue:
    """Cancel it, or withdraw what is complete as long as nobody has fetched it (termination)."""
    if upload.joined_into:
        raise StateConflictError("This part was joined with others. End the whole instead.")
    if upload.state in STORED and not actor().may(Permission.UPLOAD_WITHDRAW):
        raise StateConflictError("This upload is complete. Ask support to delete it.")
    if upload.state is UploadState.RECEIVING or upload.state in STORED:
        with work() as uow:
            if upload.state in STORED:
                removal.withdraw(uow, upload.id)
            else:
                records.abandon(uow, upload.id, "Cancelled by the sender.")
        store_of(upload).delete(upload.storage_key)
        parallel.tidy(upload.id)
    return respond(HTTPStatus.NO_CONTENT, {})
