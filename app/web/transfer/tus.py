"""tus 1.0.0: core, creation, termination, checksum.

The offset told to the sender is the one committed to Postgres after the bytes were made
durable, so it is true after any crash.
"""

from http import HTTPStatus
from uuid import UUID

from flask import Response, jsonify, request, url_for
from flask.typing import ResponseReturnValue

from app.domain.errors import (
    BadRequestError,
    GoneError,
    NotFoundError,
    OffsetConflictError,
    StateConflictError,
    TooLargeError,
)
from app.domain.lifecycle import STORED, UploadState
from app.domain.policy import Permission
from app.models import Upload
from app.queries import uploads
from app.services.intake import records
from app.services.intake.records import Announcement
from app.web.access import check_csrf, public, requires
from app.web.body import open_body
from app.web.context import actor, store_of, system, work
from app.web.transfer import chunk
from app.web.transfer.blueprint import blueprint
from app.web.transfer.digests import CHECKSUMS, sha256_field
from app.web.transfer.tus_headers import VERSION, check_version, decimal, metadata
from app.web.upload_json import upload_json

EXTENSIONS = "creation,termination,checksum"
PATCH_TYPE = "application/offset+octet-stream"


@blueprint.route("/tus", methods=["OPTIONS"])
@blueprint.route("/tus/<uuid:upload_id>", methods=["OPTIONS"])
@public
def capabilities(upload_id: UUID | None = None) -> ResponseReturnValue:  # noqa: ARG001
    """Say what is understood here (tus 1.0.0, OPTIONS)."""
    return _respond(
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
    """Make room for one upload (creation extension)."""
    check_version(request)
    check_csrf(request.headers.get("X-CSRFToken"))
    if "Upload-Defer-Length" in request.headers:
        raise BadRequestError("Upload-Defer-Length is not offered here: send Upload-Length.")
    said = metadata(request.headers.get("Upload-Metadata", ""))
    announced = Announcement(
        door="tus",
        filename=said.get("filename") or said.get("name"),
        size=decimal(request, "Upload-Length"),
        case=said.get("case"),
        note=said.get("note"),
        sha256=said.get("sha256") or sha256_field(request.headers, "Repr-Digest"),
    )
    storage = system().adapters.storage
    with work() as uow:
        upload = records.start(uow, announced, storage.name)
    return _respond(
        HTTPStatus.CREATED,
        {"Location": url_for("transfer.chunk_or_end", upload_id=upload.id), "Upload-Offset": 0},
    )


@blueprint.route("/tus/<uuid:upload_id>", methods=["HEAD"])
@requires(Permission.UPLOAD_CREATE, streams=True)
def offset(upload_id: UUID) -> ResponseReturnValue:
    """Tell where to go on. An upload that only lacks its seal gets it now."""
    check_version(request)
    upload = _own(upload_id)
    if upload.state is UploadState.RECEIVING and upload.received_bytes == upload.declared_bytes:
        upload = chunk.finish(upload)
    if not (upload.state is UploadState.RECEIVING or upload.state in STORED):
        raise GoneError("This upload has ended. Send the file again.")
    return _respond(
        HTTPStatus.OK, {"Upload-Offset": upload.received_bytes, "Upload-Length": upload.declared_bytes}
    )


@blueprint.route("/tus/<uuid:upload_id>", methods=["PATCH", "DELETE", "POST"])
@requires(Permission.UPLOAD_CREATE, streams=True)
def chunk_or_end(upload_id: UUID) -> ResponseReturnValue:
    """Take a chunk, or end the upload; POST says which in X-HTTP-Method-Override."""
    check_version(request)
    check_csrf(request.headers.get("X-CSRFToken"))
    method = request.headers.get("X-HTTP-Method-Override", request.method).upper()
    upload = _own(upload_id)
    if method == "PATCH":
        return _take(upload)
    if method == "DELETE":
        return _end(upload)
    raise BadRequestError("POST needs X-HTTP-Method-Override: PATCH or DELETE here.")


def _take(upload: Upload) -> ResponseReturnValue:
    if request.mimetype != PATCH_TYPE:
        return _respond(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, {"Accept": PATCH_TYPE})
    start = decimal(request, "Upload-Offset")
    if upload.state in STORED and start == upload.size and not request.content_length:
        return _complete(upload)  # the answer to the last chunk was lost on its way
    if upload.state is not UploadState.RECEIVING:
        raise GoneError("This upload has ended. Send the file again.")
    if start != upload.received_bytes:
        raise OffsetConflictError(f"The next chunk begins at byte {upload.received_bytes:,}.")
    room = (upload.declared_bytes or 0) - start
    if request.content_length is not None and request.content_length > room:
        raise TooLargeError(f"{room:,} bytes are still to come; this chunk has more.")
    body = open_body(request.environ, timeout=system().settings.body_timeout)
    upload = chunk.take(upload, body, start=start, room=room)
    if upload.state is UploadState.RECEIVING:
        return _respond(HTTPStatus.NO_CONTENT, {"Upload-Offset": upload.received_bytes})
    return _complete(upload)


def _complete(upload: Upload) -> Response:
    response = _respond(HTTPStatus.OK, {"Upload-Offset": upload.size, "Upload-Id": upload.id})
    body: Response = jsonify(upload_json(upload))
    response.data, response.content_type = body.data, body.content_type
    return response


def _end(upload: Upload) -> ResponseReturnValue:
    """Withdraw what is not complete (termination extension)."""
    if upload.state in STORED:
        raise StateConflictError("This upload is complete. Ask support to delete it.")
    if upload.state is UploadState.RECEIVING:
        with work() as uow:
            records.abandon(uow, upload.id, "Cancelled by the sender.")
        store_of(upload).delete(upload.storage_key)
    return _respond(HTTPStatus.NO_CONTENT, {})


def _own(upload_id: UUID) -> Upload:
    """Return an upload of whoever asks; colleagues' are as absent as strangers'."""
    with work() as uow:
        upload = uploads.get(uow.session, uow.actor, upload_id)
    if actor().id not in {upload.uploader_id, upload.ticket_id} or upload.door != "tus":
        raise NotFoundError
    return upload


def _respond(status: HTTPStatus, headers: dict[str, object]) -> Response:
    response = Response(status=status)
    response.headers.update({name: str(value) for name, value in headers.items()})
    return response


@blueprint.after_request
def _say_version(response: Response) -> Response:
    if request.path.startswith("/tus"):
        response.headers["Tus-Resumable"] = VERSION
        if response.status_code == HTTPStatus.PRECONDITION_FAILED:
            response.headers["Tus-Version"] = VERSION
    return response
