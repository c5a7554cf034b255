"""`/api/v1/.../tickets`: leave to send for one case, for people without an account."""

from http import HTTPStatus
from uuid import UUID

from flask import Response, jsonify, request, url_for
from flask.typing import ResponseReturnValue

from app.domain.policy import Permission
from app.domain.tickets import clean_terms
from app.domain.ways_in import ticket_curl, ticket_url
from app.queries import cases
from app.queries import tickets as tickets_query
from app.services import tickets
from app.web.access import requires
from app.web.api.blueprint import blueprint
from app.web.case_json import ticket_json
from app.web.context import system, work
from app.web.json_fields import JsonFields
from app.web.revoking import revoke_ticket


@blueprint.get("/cases/<uuid:case_id>/tickets")
@requires(Permission.TICKET_MANAGE)
def list_tickets(case_id: UUID) -> ResponseReturnValue:
    """List the tickets of a case, newest first."""
    with work() as uow:
        case = cases.get(uow.session, uow.actor, case_id)
        found = tickets_query.of_case(uow.session, uow.actor, case)
    return jsonify(items=[ticket_json(seen) for seen in found])


@blueprint.post("/cases/<uuid:case_id>/tickets")
@requires(Permission.TICKET_MANAGE)
def issue_ticket(case_id: UUID) -> ResponseReturnValue:
    """Make a ticket; only this answer ever has its code."""
    fields = JsonFields(request, "days", "uploads", "bytes", "networks", "recipient")
    terms = clean_terms(
        fields.number("days"),
        fields.number("uploads"),
        fields.number("bytes"),
        fields.texts("networks"),
        fields.text("recipient"),
    )
    with work() as uow:
        issued = tickets.issue(uow, case_id, terms)
    base_url, reference = system().settings.base_url, issued.seen.ticket.case.reference
    shown = {
        "code": issued.code,
        "url": ticket_url(base_url, issued.code),
        "curl": ticket_curl(base_url, reference, issued.code),
    }
    response: Response = jsonify(ticket_json(issued.seen) | shown)
    response.status_code = HTTPStatus.CREATED
    response.headers["Location"] = url_for("api.ticket", ticket_id=issued.seen.ticket.id)
    return response


@blueprint.get("/tickets/<uuid:ticket_id>")
@requires(Permission.TICKET_MANAGE)
def ticket(ticket_id: UUID) -> ResponseReturnValue:
    """Return one ticket, without its code."""
    with work() as uow:
        seen = tickets_query.get(uow.session, uow.actor, ticket_id)
    return jsonify(ticket_json(seen))


@blueprint.patch("/tickets/<uuid:ticket_id>")
@requires(Permission.TICKET_MANAGE)
def refresh_ticket(ticket_id: UUID) -> ResponseReturnValue:
    """Let a ticket last ``days`` from now, and take so many ``uploads`` more. The code stays."""
    fields = JsonFields(request, "days", "uploads")
    with work() as uow:
        seen = tickets.refresh(uow, ticket_id, days=fields.number("days"), uploads=fields.number("uploads"))
    return jsonify(ticket_json(seen))


@blueprint.delete("/tickets/<uuid:ticket_id>")
@requires(Permission.TICKET_MANAGE)
def end_ticket(ticket_id: UUID) -> ResponseReturnValue:
    """End a ticket at once, and what was begun with it."""
    return jsonify(ticket_json(revoke_ticket(ticket_id)))
