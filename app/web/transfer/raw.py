"""One request, one bundle: the form without JavaScript, `curl -F`, `curl -T` and its like."""

from collections.abc import Iterator

from flask import Response, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.domain.errors import BadRequestError, DigestMismatchError, InvalidInputError
from app.domain.lifecycle import UploadState
from app.domain.policy import Permission
from app.models import Upload
from app.queries import uploads
from app.services.intake import records
from app.services.intake.records import Announcement
from app.web.access import check_csrf, requires
from app.web.body import Body, open_body
from app.web.context import actor, system, work
from app.web.errors import is_browser
from app.web.multipart import Field, FilePart, read_form
from app.web.transfer import door
from app.web.transfer.blueprint import blueprint
from app.web.transfer.digests import HashingBody, sha256_field
from app.web.upload_json import upload_json


@blueprint.post("/upload")
@requires(Permission.UPLOAD_CREATE, streams=True)
def upload() -> ResponseReturnValue:
    """Take the bundle in the form's field ``diag``."""
    if not _is_multipart():
        raise BadRequestError(
            "Send a form with the bundle in the field diag, or PUT it to /upload/<filename>."
        )
    return _known() or _answer(_from_form(field="diag"))


@blueprint.route("/upload/<path:filename>", methods=["PUT", "POST"])
@requires(Permission.UPLOAD_CREATE, streams=True)
def upload_named(filename: str) -> ResponseReturnValue:
    """Take the request's body as the bundle, or the file of a form in any field."""
    if known := _known():
        return known
    if request.method == "POST" and _is_multipart():
        return _answer(_from_form(filename=filename))
    check_csrf(request.headers.get("X-CSRFToken"))
    announced = Announcement(
        door="put",
        filename=filename,
        size=request.content_length,
        case=request.args.get("case"),
        note=request.args.get("note"),
        sha256=request.args.get("sha256"),
        idempotency_key=request.headers.get("Idempotency-Key"),
    )
    records.check_size(announced.size, system().settings.max_upload_bytes)
    digests = _whole_digests("Content-Digest", "Repr-Digest")
    return _answer(door.receive_whole(announced, _body(), digests=lambda: digests))


def _is_multipart() -> bool:
    return request.mimetype == "multipart/form-data"


def _body() -> Body:
    return open_body(request.environ, timeout=system().settings.body_timeout)


def _whole_digests(*names: str) -> frozenset[str]:
    return frozenset(filter(None, (sha256_field(request.headers, name) for name in names)))


def _known() -> ResponseReturnValue | None:
    """Answer with the upload that this Idempotency-Key already brought, unread."""
    key = request.headers.get("Idempotency-Key")
    if not key:
        return None
    with work() as uow:
        before = uploads.by_idempotency_key(uow.session, actor(), key)
    came_to_nothing = {
        UploadState.RECEIVING,
        UploadState.REJECTED,
        UploadState.ABANDONED,
        UploadState.DELETED,
    }
    if before is None or before.state in came_to_nothing:
        return None  # the intake decides
    if _says_otherwise(before):
        raise InvalidInputError("This Idempotency-Key brought another file. Use a new key for each file.")
    return _answer(before, status=200)


def _says_otherwise(before: Upload) -> bool:
    """Whether what is announced now, unread, is surely not what was received before."""
    announced = {request.args.get("sha256"), sha256_field(request.headers, "Repr-Digest")}
    if not _is_multipart():
        announced.add(sha256_field(request.headers, "Content-Digest"))
        if request.content_length not in {None, before.size}:
            return True
    return bool(announced - {None, before.sha256})


def _from_form(*, filename: str | None = None, field: str | None = None) -> Upload:
    """Take a multipart form: fields may stand before and after the file."""
    limit = system().settings.max_upload_bytes
    records.check_size(request.content_length and max(1, request.content_length - 1024**2), limit)
    body = HashingBody(_body()) if "Content-Digest" in request.headers else _body()
    fields: dict[str, str] = {}
    parts = read_form(body, request.headers["Content-Type"])
    file = _file_of(parts, fields)
    if file is None or not file.filename or (field is not None and file.name != field):
        raise BadRequestError("Choose a .tgz file to send. It belongs into the field diag, after all others.")
    check_csrf(fields.get("csrf_token") or request.headers.get("X-CSRFToken"))
    announced = Announcement(
        door="form",
        filename=filename or file.filename,
        case=fields.get("case") or request.args.get("case"),
        note=fields.get("note"),
        sha256=fields.get("sha256"),
        idempotency_key=request.headers.get("Idempotency-Key"),
    )
    return door.receive_whole(
        announced,
        file,
        digests=lambda: _whole_digests("Repr-Digest"),
        afterwards=lambda upload: _finish_form(parts, upload, body),
    )


def _file_of(parts: Iterator[Field | FilePart], fields: dict[str, str]) -> FilePart | None:
    """Collect fields up to the file; None when the form ends without one."""
    for part in parts:
        if isinstance(part, FilePart):
            return part
        fields[part.name] = part.value
    return None


def _finish_form(parts: Iterator[Field | FilePart], upload: Upload, body: Body) -> None:
    late: dict[str, str] = {}
    _file_of(parts, late)
    with work() as uow:
        records.describe(
            uow, upload.id, case=late.get("case"), note=late.get("note"), sha256=late.get("sha256")
        )
    if isinstance(body, HashingBody):
        announced = sha256_field(request.headers, "Content-Digest")
        if announced not in {None, body.hasher.hexdigest()}:
            raise DigestMismatchError("The form does not have the Content-Digest that you announced.")


def _answer(upload: Upload, status: int = 201) -> ResponseReturnValue:
    if is_browser():
        return redirect(url_for("portal.receipt", upload_id=upload.id), code=303)
    response: Response = jsonify(upload_json(upload))
    response.status_code = status
    response.headers["Location"] = url_for("portal.file", upload_id=upload.id)
    return response
