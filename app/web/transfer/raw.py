"""One request, one bundle: the form without JavaScript, `curl -F`, `curl -T` and its like."""

from collections.abc import Iterator

from flask import Response, g, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.http import parse_options_header

from app.domain.errors import BadRequestError, DigestMismatchError, InvalidInputError
from app.domain.lifecycle import UploadState
from app.domain.policy import Permission
from app.models import Upload
from app.queries import uploads
from app.services import quota
from app.services.intake import records
from app.services.intake.records import Announcement
from app.web.access import check_csrf, requires
from app.web.body import Body
from app.web.context import actor, system, work
from app.web.errors import is_browser
from app.web.multipart import Field, FilePart, read_form
from app.web.open_bodies import request_body
from app.web.transfer import door
from app.web.transfer.blueprint import blueprint
from app.web.transfer.digests import HashingBody, sha256_field
from app.web.upload_json import upload_json

_MOST_BESIDES = 1024**2  # bytes of a form that are surely not of its file


@blueprint.post("/upload")
@requires(Permission.UPLOAD_CREATE, streams=True)
def upload() -> ResponseReturnValue:
    """Take the bundle in the form's field ``diag``."""
    if not _is_multipart():
        raise BadRequestError(
            "Send a form with the bundle in the field diag, or PUT it to /upload/<filename>."
        )
    return _known() or _answer(_from_form(field="diag"))


@blueprint.post("/t/<ticket>")
@requires(Permission.UPLOAD_CREATE, streams=True, ticket=True)
def upload_with_ticket(ticket: str) -> ResponseReturnValue:  # noqa: ARG001  # `access` has read it
    """Take the same form from somebody without an account."""
    return upload()


@blueprint.put("/upload")
@blueprint.route("/upload/", methods=["PUT", "POST"])
@blueprint.route("/upload/<path:filename>", methods=["PUT", "POST"])
@requires(Permission.UPLOAD_CREATE, streams=True)
def upload_named(filename: str | None = None) -> ResponseReturnValue:
    """Take the request's body as the bundle, or the file of a form in any field.

    Tools that have room for one fixed address give no name in it: a form does, a body perhaps.
    """
    if "Content-Range" in request.headers:  # RFC 9110 section 14.5
        raise BadRequestError(
            "A piece of a file cannot be added here (curl -C). Send the whole file, or use diagport.py, "
            "which goes on where it stopped."
        )
    if known := _known():
        return known
    if request.method == "POST" and _is_multipart():
        return _answer(_from_form(filename=filename))
    check_csrf(request.headers.get("X-CSRFToken"))
    announced = Announcement(
        door="put",
        filename=filename or _said_name() or f"bundle-{g.request_id[:8]}.tgz",
        size=request.content_length,
        case=request.args.get("case"),
        note=request.args.get("note"),
        sha256=request.args.get("sha256"),
        idempotency_key=request.headers.get("Idempotency-Key"),
    )
    records.check_size(announced.size, system().settings.max_upload_bytes)
    digests = _whole_digests("Content-Digest", "Repr-Digest")
    return _answer(door.receive_whole(announced, request_body(), digests=lambda: digests))


def _said_name() -> str | None:
    """Return the name in Content-Disposition, which some tools send along with a bare body."""
    return parse_options_header(request.headers.get("Content-Disposition"))[1].get("filename")


def _is_multipart() -> bool:
    return request.mimetype == "multipart/form-data"


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
    _refuse_early()
    body: Body = request_body()
    if "Content-Digest" in request.headers:
        body = HashingBody(body)
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
        at_most=file.at_most or 0,
    )
    return door.receive_whole(
        announced,
        file,
        digests=lambda: _whole_digests("Repr-Digest"),
        afterwards=lambda upload: _finish_form(parts, upload, body),
    )


def _refuse_early() -> None:
    """Judge what the form's length shows of its file, before anything is read."""
    length = request.content_length
    if length is None:
        return
    at_least = max(1, length - _MOST_BESIDES)
    records.check_size(at_least, system().settings.max_upload_bytes)
    with work() as uow:
        quota.check_room(uow, at_least)


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
    ticket = (request.view_args or {}).get("ticket")
    if is_browser() and ticket:
        return redirect(url_for("guest.receipt", ticket=ticket, upload_id=upload.id), code=303)
    if is_browser():
        return redirect(url_for("portal.receipt", upload_id=upload.id), code=303)
    response: Response = jsonify(upload_json(upload))
    response.status_code = status
    page = "api.upload" if actor().ticket_id else "portal.file"  # which is none for people without an account
    response.headers["Location"] = url_for(page, upload_id=upload.id)
    return response
