"""`/api/v1`: the contract's documents, by session or token."""

from http import HTTPStatus
from uuid import UUID

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue

from app.domain.errors import StateConflictError
from app.domain.policy import Permission
from app.queries import cases as cases_query
from app.queries import uploads as uploads_query
from app.queries.terms import held_cases
from app.services import cases, removal
from app.web.access import requires
from app.web.api.blueprint import blueprint
from app.web.context import store_of, work
from app.web.errors import problem_json
from app.web.fetching import send_upload
from app.web.json_fields import JsonFields
from app.web.listing import filters_of_request
from app.web.receipt_json import receipt_json
from app.web.upload_json import upload_json

_POLL_AFTER = "1"  # seconds


@blueprint.get("/uploads")
@requires(Permission.UPLOAD_READ)
def uploads() -> ResponseReturnValue:
    """List uploads, newest first, by keyset."""
    with work() as uow:
        page = uploads_query.page(
            uow.session, uow.actor, filters_of_request(), request.args.get("cursor") or None
        )
        held = held_cases(uow.session, page.items)
    items = [upload_json(upload, held.get(upload.id)) for upload in page.items]
    return jsonify(items=items, next_cursor=page.next_cursor)


@blueprint.get("/uploads/<uuid:upload_id>")
@requires(Permission.UPLOAD_FOLLOW)
def upload(upload_id: UUID) -> ResponseReturnValue:
    """Return one upload; 202 as long as it has not settled."""
    with work() as uow:
        found = uploads_query.get(uow.session, uow.actor, upload_id)
        case = cases_query.of_upload(uow.session, found)
    response: Response = jsonify(upload_json(found, case))
    if not found.settled:
        response.status_code = HTTPStatus.ACCEPTED
        response.headers["Retry-After"] = _POLL_AFTER
    return response


@blueprint.get("/uploads/<uuid:upload_id>/receipt")
@requires(Permission.UPLOAD_FOLLOW)
def receipt(upload_id: UUID) -> ResponseReturnValue:
    """Return what the sender may keep as proof of what arrived."""
    with work() as uow:
        found = uploads_query.get(uow.session, uow.actor, upload_id)
    return jsonify(receipt_json(found))


@blueprint.get("/uploads/<uuid:upload_id>/content")
@requires(Permission.UPLOAD_DOWNLOAD)
def content(upload_id: UUID) -> ResponseReturnValue:
    """Send the bytes of a clean upload, to staff of a released one too; 409 with the state in any other."""
    try:
        return send_upload(upload_id)
    except StateConflictError as error:
        return problem_json(error.status, error.code, error.message, state=error.context.get("state"))


@blueprint.patch("/uploads/<uuid:upload_id>")
@requires(Permission.UPLOAD_ATTACH)
def attach(upload_id: UUID) -> ResponseReturnValue:
    """Put an upload into the case that ``case`` names, or into none with null."""
    fields = JsonFields(request, "case")
    with work() as uow:
        found = uploads_query.get(uow.session, uow.actor, upload_id)
        if "case" in fields:
            found = cases.attach(uow, upload_id, fields.text("case"))
        case = cases_query.of_upload(uow.session, found)
    return jsonify(upload_json(found, case))


@blueprint.delete("/uploads/<uuid:upload_id>")
@requires(Permission.UPLOAD_DELETE, instead=Permission.UPLOAD_WITHDRAW)
def delete(upload_id: UUID) -> ResponseReturnValue:
    """Delete the bytes of any upload, or withdraw one's own; the row stays as a tombstone.

    Staff may say why in ``reason``, in the address or the body. Whoever sent it reads that.
    """
    said = JsonFields(request, "reason").text("reason") if request.is_json else request.args.get("reason")
    with work() as uow:
        if uow.actor.holds(Permission.UPLOAD_DELETE):
            deleted = removal.delete(uow, upload_id, removal.by_support(said) if said else removal.BY_SUPPORT)
        else:
            deleted = removal.withdraw(uow, upload_id)
    removal.remove_bytes(store_of(deleted), deleted)
    return "", HTTPStatus.NO_CONTENT
