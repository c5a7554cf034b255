"""What tus 1.0.0 answers say about an upload."""

from http import HTTPStatus

from flask import Response, jsonify, request, url_for
from werkzeug.http import http_date

from app.domain.lifecycle import STORED
from app.models import Upload
from app.services import expiry
from app.web.context import system
from app.web.errors import problem_json
from app.web.open_bodies import StoppingError
from app.web.transfer.blueprint import blueprint
from app.web.transfer.tus_headers import VERSION
from app.web.upload_json import upload_json


def respond(status: HTTPStatus, headers: dict[str, object]) -> Response:
    """Answer without a body."""
    response = Response(status=status)
    response.headers.update({name: str(value) for name, value in headers.items()})
    return response


def progress(upload: Upload) -> dict[str, object]:
    """Return how far an upload is, and how long it waits for the rest (expiration extension)."""
    fields: dict[str, object] = {"Upload-Offset": upload.received_bytes}
    if until := expiry.ends_at(upload, system().settings):
        fields["Upload-Expires"] = http_date(until)
    return fields


def described(upload: Upload) -> dict[str, object]:
    """Return all that HEAD tells of an upload."""
    length: dict[str, object] = {"Upload-Length": upload.declared_bytes}
    if upload.declared_bytes is None:
        length = {"Upload-Defer-Length": 1}
    return progress(upload) | length | (upload.echoed or {})


def taken(upload: Upload, *, created: bool = False) -> Response:
    """Answer to bytes that have come, or to a creation: with the receipt once the upload is complete."""
    headers = progress(upload)
    if created:
        headers["Location"] = url_for("transfer.resource", upload_id=upload.id)
    if upload.state not in STORED:
        return respond(HTTPStatus.CREATED if created else HTTPStatus.NO_CONTENT, headers)
    headers |= {"Upload-Offset": upload.size, "Upload-Id": upload.id}
    response = respond(HTTPStatus.CREATED if created else HTTPStatus.OK, headers)
    document: Response = jsonify(upload_json(upload))
    response.data, response.content_type = document.data, document.content_type
    return response


def come_again(upload: Upload, error: StoppingError) -> Response:
    """Answer to a chunk that ends because the process does: how much of it is kept, and when to go on."""
    response = problem_json(error.status, error.code, error.message, retry_after=error.retry_after)
    response.headers["Retry-After"] = str(error.retry_after)
    response.headers.update({name: str(value) for name, value in progress(upload).items()})
    return response


@blueprint.after_app_request
def _say_version(response: Response) -> Response:
    """Name the version on every answer, also where nothing is routed."""
    if request.path == "/tus" or request.path.startswith("/tus/"):
        response.headers["Tus-Resumable"] = VERSION
        if response.status_code == HTTPStatus.PRECONDITION_FAILED:
            response.headers["Tus-Version"] = VERSION
    return response
