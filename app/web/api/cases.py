"""`/api/v1/cases`: what uploads are about."""

from http import HTTPStatus
from uuid import UUID

from flask import Response, jsonify, request, url_for
from flask.typing import ResponseReturnValue

from app.domain.errors import InvalidInputError
from app.domain.policy import Permission
from app.models import Case
from app.queries import cases as cases_query
from app.services import cases
from app.uow import UnitOfWork
from app.web.access import requires
from app.web.api.blueprint import blueprint
from app.web.case_json import case_json
from app.web.context import work
from app.web.json_fields import JsonFields
from app.web.listing import case_filters_of_request


@blueprint.get("/cases")
@requires(Permission.CASE_READ)
def list_cases() -> ResponseReturnValue:
    """List cases, newest first, by keyset."""
    cursor = request.args.get("cursor") or None
    with work() as uow:
        page = cases_query.page(uow.session, uow.actor, case_filters_of_request(), cursor)
    items = [case_json(row.case) | {"uploads": row.uploads} for row in page.items]
    return jsonify(items=items, next_cursor=page.next_cursor)


@blueprint.post("/cases")
@requires(Permission.CASE_MANAGE)
def create_case() -> ResponseReturnValue:
    """Make a case."""
    fields = JsonFields(request, "organisation", "reference", "title")
    with work() as uow:
        case = cases.create(
            uow, fields.text("organisation") or "", fields.text("reference"), fields.text("title")
        )
    response: Response = jsonify(case_json(case))
    response.status_code = HTTPStatus.CREATED
    response.headers["Location"] = url_for("api.case", case_id=case.id)
    return response


@blueprint.get("/cases/<uuid:case_id>")
@requires(Permission.CASE_READ)
def case(case_id: UUID) -> ResponseReturnValue:
    """Return one case."""
    with work() as uow:
        found = cases_query.get(uow.session, uow.actor, case_id)
    return jsonify(case_json(found))


@blueprint.patch("/cases/<uuid:case_id>")
@requires(Permission.CASE_MANAGE)
def change_case(case_id: UUID) -> ResponseReturnValue:
    """Give a case another ``title``, or another ``state``: "open" or "closed"."""
    fields = JsonFields(request, "title", "state")
    state = fields.text("state")
    if state not in {None, "open", "closed"}:
        raise InvalidInputError("state is open or closed.")
    with work() as uow:
        found = cases_query.get(uow.session, uow.actor, case_id)
        if "title" in fields:
            found = cases.retitle(uow, case_id, fields.text("title"))
        if state:
            found = _turn(uow, found, closed=state == "closed")
    return jsonify(case_json(found))


def _turn(uow: UnitOfWork, found: Case, *, closed: bool) -> Case:
    """Close or open it, unless it is so already: asking twice is no error."""
    if closed == (found.closed_at is not None):
        return found
    return cases.close(uow, found.id) if closed else cases.reopen(uow, found.id)
