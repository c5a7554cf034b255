"""Typing a ticket, its page, and the receipts of what it brought. `transfer` takes the bundle itself."""

import base64
from http import HTTPStatus
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import StringField

from app.domain import ticket_code
from app.domain.errors import NotFoundError
from app.domain.lifecycle import UploadState
from app.domain.policy import Permission
from app.domain.receipt import checksum_line
from app.domain.tickets import WHY, TicketState
from app.domain.ways_in import ticket_curl
from app.models import Ticket
from app.queries import cases, tickets, uploads
from app.queries.unfinished import unfinished_of
from app.web.access import public, requires
from app.web.context import actor, sending_way, system, work
from app.web.guest.blueprint import blueprint
from app.web.login import with_ticket

_MOST = 50  # bundles on the page; none of the few tickets that bring more has a person reading it


class TicketForm(FlaskForm):  # type: ignore[misc]
    case = StringField("Case number")
    code = StringField("Ticket")


@blueprint.get("/t")
@public
def enter() -> ResponseReturnValue:
    """Ask for a case and its ticket."""
    return render_template("guest/enter.html", form=TicketForm(formdata=None), error=None)


@blueprint.post("/t", endpoint="find")
@public
def find_ticket() -> ResponseReturnValue:
    """Lead to the ticket's page. The code is in the form, so that no log of addresses has wrong tries."""
    form = TicketForm()
    code = ticket_code.parse(form.code.data)
    if code is None:
        error = "That is not a whole ticket code. Check it for typing mistakes."
        return render_template("guest/enter.html", form=form, error=error), HTTPStatus.UNPROCESSABLE_ENTITY
    if with_ticket(code, form.case.data or "") is None:
        error = "There is no such ticket for this case. Check both, or ask support for a new ticket."
        return render_template("guest/enter.html", form=form, error=error), HTTPStatus.NOT_FOUND
    return redirect(url_for("guest.page", ticket=code), code=303)


@blueprint.get("/t/<ticket>")
@requires(Permission.UPLOAD_FOLLOW, ticket=True)
def page(ticket: str) -> ResponseReturnValue:
    """Let whoever has the ticket send, and show what it brought; 410 when nothing more can be sent."""
    if (ticket_id := actor().ticket_id) is None:
        raise NotFoundError
    with work() as uow:
        seen = tickets.get(uow.session, uow.actor, ticket_id)
        received = uploads.recent_of(uow.session, uow.actor, _MOST)
        unfinished = unfinished_of(uow.session, uow.actor)
    code = ticket_code.parse(ticket) or ""
    reference = seen.ticket.case.reference
    open_ = seen.state is TicketState.GOOD or bool(unfinished)
    html = render_template(
        "guest/page.html",
        ticket=seen.ticket,
        code=code,
        open=open_,
        why=WHY.get(seen.state),
        bytes_left=_bytes_left(seen.ticket),
        max_bytes=min(system().settings.max_upload_bytes, _bytes_left(seen.ticket) or 1 << 62),
        way=sending_way(),
        authorization="Basic " + base64.b64encode(f"{reference}:{code}".encode()).decode(),
        curl=ticket_curl(system().settings.base_url, reference, code),
        received=received,
        unfinished=unfinished,
        pending=any(not upload.settled for upload in received),
    )
    return html, HTTPStatus.OK if open_ or _renews() else HTTPStatus.GONE


def _renews() -> bool:
    """Whether a script of ours fetches a part of the page anew, rather than somebody the page."""
    return "HX-Request" in request.headers or request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate"


def _bytes_left(ticket: Ticket) -> int | None:
    """Return how much the ticket may still bring; None for no limit of its own."""
    return None if ticket.max_bytes is None else ticket.max_bytes - ticket.used_bytes


@blueprint.get("/t/<ticket>/files/<uuid:upload_id>")
@requires(Permission.UPLOAD_FOLLOW, ticket=True)
def receipt(ticket: str, upload_id: UUID) -> ResponseReturnValue:
    """Show what the sender may keep as proof of what arrived with the ticket."""
    with work() as uow:
        upload = uploads.get(uow.session, uow.actor, upload_id)
        case = cases.of_upload(uow.session, upload)
    return render_template(
        "guest/receipt.html",
        upload=upload,
        code=ticket_code.parse(ticket),
        kept_case=case,
        checksum_line=checksum_line(upload.sha256, upload.filename)
        if upload.sha256 and upload.state is not UploadState.DELETED
        else None,
    )
