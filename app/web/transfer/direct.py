"""Straight to S3: the portal signs the parts, and completes what has arrived (docs/direct-uploads.md)."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from flask import Response, jsonify, request, url_for
from flask.typing import ResponseReturnValue

from app.domain.errors import BadRequestError, GoneError, NotFoundError, StateConflictError
from app.domain.lifecycle import STORED, UploadState
from app.domain.parts import Part, checked_sha256
from app.domain.policy import Permission
from app.models import Upload
from app.ports import PresignsUploads
from app.services.intake import direct, records
from app.services.intake.records import Announcement
from app.web.access import requires
from app.web.context import store_of, system, work
from app.web.errors import problem_json
from app.web.json_fields import JsonFields
from app.web.transfer import door
from app.web.transfer.blueprint import blueprint
from app.web.upload_json import upload_json

_AT_ONCE = 100  # parts signed in one answer


@blueprint.post("/api/v1/direct")
@requires(Permission.UPLOAD_CREATE)
def begin_direct() -> ResponseReturnValue:
    """Begin an upload whose parts go straight to the store; 409 where there is no such store."""
    storage = system().adapters.storage
    store = direct.presigning(storage)
    said = JsonFields(request, "filename", "size", "case", "note", "sha256")
    announced = Announcement(
        door="direct",
        filename=said.text("filename"),
        size=said.number("size"),
        case=said.text("case"),
        note=said.text("note"),
        sha256=said.text("sha256"),
    )
    with work() as uow:
        upload = direct.start(uow, announced, storage.name)
    try:
        upload.multipart_id = store.begin_parts(upload.storage_key)
        with work() as uow:
            direct.note_begun(uow, upload.id, upload.multipart_id)
    except Exception as error:
        door.give_up(upload, error)
        raise
    response = _answer(upload, [])
    response.status_code = HTTPStatus.CREATED
    response.headers["Location"] = url_for("transfer.direct_upload", upload_id=upload.id)
    return response


@blueprint.get("/api/v1/direct/<uuid:upload_id>")
@requires(Permission.UPLOAD_CREATE)
def direct_upload(upload_id: UUID) -> ResponseReturnValue:
    """Tell what has arrived. An upload that only lacks its seal gets it now."""
    return _answer(*_look(_own(upload_id)))


@blueprint.post("/api/v1/direct/<uuid:upload_id>/parts")
@requires(Permission.UPLOAD_CREATE)
def sign_parts(upload_id: UUID) -> ResponseReturnValue:
    """Give an address for each part that is asked for."""
    upload = _own(upload_id)
    parts = _parts(upload)
    if len(parts) > _AT_ONCE:
        raise BadRequestError(f"Ask for up to {_AT_ONCE} parts at a time.")
    upload, here = _look(upload)
    if upload.state in STORED:
        raise StateConflictError("This upload is complete already.")
    store = direct.presigning(store_of(upload))
    with work() as uow:
        records.checkpoint(uow, upload.id, sum(part.size for part in here))
    return jsonify(
        expires_in=direct.LASTS,
        parts=[_signed(store, upload, part) for part in parts],
    )


def _signed(store: PresignsUploads, upload: Upload, part: Part) -> dict[str, object]:
    signed = store.sign_part(upload.storage_key, upload.multipart_id or "", part, direct.LASTS)
    return {"number": part.number, "size": part.size, "url": signed.url, "headers": dict(signed.headers)}


@blueprint.post("/api/v1/direct/<uuid:upload_id>/complete")
@requires(Permission.UPLOAD_CREATE)
def complete_direct(upload_id: UUID) -> ResponseReturnValue:
    """Put the parts together, look at the result, and acknowledge it."""
    upload = _own(upload_id)
    if upload.state not in STORED:
        try:
            upload = _complete(upload, _parts(upload))
        except direct.LostError as error:
            door.give_up(upload, error)
            raise
        except direct.PartsMissingError as error:
            return problem_json(error.status, error.code, error.message, parts=error.numbers)
    return jsonify(upload_json(upload))


def _complete(upload: Upload, parts: list[Part]) -> Upload:
    """Seal what the store has made of the parts, or makes now.

    Raises:
        LockedError: another request is at it.
        LostError: the store knows nothing of it any more; nothing was changed.
        PortalError: as `direct.finish`.
    """
    try:
        return direct.finish(work, store_of(upload), upload, parts)
    except direct.PartsMissingError:
        raise
    except (NotFoundError, StateConflictError) as error:
        # Another request may have been faster; completing twice gives one answer.
        now = _own(upload.id)
        if now.state in STORED:
            return now
        if isinstance(error, NotFoundError):
            with work() as uow:
                raise direct.absent(uow, upload.id) from error
        raise
    except Exception as error:
        if door.refused_for_good(error):
            door.give_up(upload, error)
        raise


@blueprint.delete("/api/v1/direct/<uuid:upload_id>")
@requires(Permission.UPLOAD_CREATE)
def end_direct(upload_id: UUID) -> ResponseReturnValue:
    """Cancel what is not complete."""
    upload = _own(upload_id, ended=True)
    if upload.state in STORED:
        raise StateConflictError("This upload is complete. Ask support to delete it.")
    if upload.state is UploadState.RECEIVING:
        with work() as uow:
            records.abandon(uow, upload.id, "Cancelled by the sender.")
        store_of(upload).delete(upload.storage_key)
    return "", HTTPStatus.NO_CONTENT


def _own(upload_id: UUID, *, ended: bool = False) -> Upload:
    """Return the upload of whoever asks; one that came to nothing only if ``ended``."""
    with work() as uow:
        upload = direct.own(uow, upload_id)
    if not (ended or upload.state is UploadState.RECEIVING or upload.state in STORED):
        raise GoneError("This upload has ended. Send the file again.")
    return upload


def _look(upload: Upload) -> tuple[Upload, list[Part]]:
    """Return the upload with the parts that are here; none where nothing is missing any more.

    Raises:
        LockedError: it is just being begun or put together: the store cannot tell now.
        LostError: the store has lost them. To look ends nothing: whoever completes it does, or the sweeper.
    """
    if upload.state in STORED:
        return upload, []
    try:
        return upload, direct.arrived(direct.presigning(store_of(upload)), upload)
    except NotFoundError:  # they were joined, and whoever asked for it died
        return _complete(upload, []), []


def _answer(upload: Upload, arrived: list[Part]) -> Response:
    sizes = direct.cut(upload)
    return jsonify(
        id=str(upload.id),
        filename=upload.filename,
        size=upload.declared_bytes,
        state=upload.state.value,
        part_size=sizes.part_size,
        part_count=sizes.count,
        arrived=[{"number": part.number, "size": part.size, "sha256": part.sha256} for part in arrived],
    )


def _parts(upload: Upload) -> list[Part]:
    """Return the parts that the request names. Raises BadRequestError, InvalidInputError."""
    document = request.get_json(silent=True)
    said = document.get("parts") if isinstance(document, dict) else None
    if not isinstance(said, list) or not said or not all(isinstance(part, dict) for part in said):
        raise BadRequestError("Send a JSON object; its parts are a list of objects with number and sha256.")
    return direct.announced_parts(upload, dict(_named(part) for part in said))


def _named(part: dict[str, Any]) -> tuple[int, str]:
    number = part.get("number")
    if type(number) is not int:
        raise BadRequestError("The number of a part must be a whole number.")
    return number, checked_sha256(part.get("sha256"))
