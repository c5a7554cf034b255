"""What staff do with the tickets of a case."""

from contextlib import suppress
from uuid import UUID, uuid4

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField, TextAreaField

from app.domain.errors import InvalidInputError, StateConflictError
from app.domain.policy import Permission
from app.domain.tickets import DAYS, UPLOADS, Terms, clean_terms
from app.domain.ways_in import ticket_curl, ticket_url
from app.models import Case
from app.queries import cases
from app.services import tickets
from app.web.access import requires
from app.web.context import system, work
from app.web.errors import is_browser
from app.web.portal.blueprint import blueprint
from app.web.revoking import revoke_ticket

_MB = 10**6


class TicketForm(FlaskForm):  # type: ignore[misc]
    id = HiddenField()
    recipient = StringField("Send it to")
    days = StringField("Days")
    uploads = StringField("Uploads")
    megabytes = StringField("Megabytes in all")
    networks = TextAreaField("Only from these networks")


@blueprint.get("/cases/<uuid:case_id>/tickets")
@requires(Permission.TICKET_MANAGE)
def new_ticket(case_id: UUID) -> ResponseReturnValue:
    """Ask what the ticket is to allow."""
    form = TicketForm(formdata=None, data={"id": str(uuid4()), "days": DAYS, "uploads": UPLOADS})
    return _ask(_case(case_id), form)


@blueprint.post("/cases/<uuid:case_id>/tickets")
@requires(Permission.TICKET_MANAGE)
def issue_ticket(case_id: UUID) -> ResponseReturnValue:
    """Make the ticket, and show its code this once. The form sent again makes no other."""
    form = TicketForm()
    try:
        terms = _terms(form)
        with work() as uow:
            issued = tickets.issue(uow, case_id, terms, _id(form.id.data))
    except InvalidInputError as error:
        if not is_browser():
            raise
        return _ask(_case(case_id), form, error.message), error.status
    except StateConflictError:
        if not is_browser():
            raise
        return redirect(url_for("portal.case", case_id=case_id), code=303)
    base_url, ticket = system().settings.base_url, issued.seen.ticket
    page = render_template(
        "cases/ticket_made.html",
        ticket=ticket,
        code=issued.code,
        address=ticket_url(base_url, issued.code),
        curl=ticket_curl(base_url, ticket.case.reference, issued.code),
    )
    return page, 201


@blueprint.post("/tickets/<uuid:ticket_id>/refresh")
@requires(Permission.TICKET_MANAGE)
def refresh_ticket(ticket_id: UUID) -> ResponseReturnValue:
    """Let a ticket last longer, and take more. The code stays."""
    with work() as uow:
        seen = tickets.refresh(
            uow,
            ticket_id,
            days=_number(request.form.get("days"), "days"),
            uploads=_number(request.form.get("uploads"), "uploads"),
        )
    return redirect(url_for("portal.case", case_id=seen.ticket.case_id), code=303)


@blueprint.post("/tickets/<uuid:ticket_id>/revoke", endpoint="revoke_ticket")
@requires(Permission.TICKET_MANAGE)
def end_ticket(ticket_id: UUID) -> ResponseReturnValue:
    """End a ticket at once, and what was begun with it."""
    seen = revoke_ticket(ticket_id)
    return redirect(url_for("portal.case", case_id=seen.ticket.case_id), code=303)


def _case(case_id: UUID) -> Case:
    with work() as uow:
        return cases.get(uow.session, uow.actor, case_id)


def _ask(case: Case, form: TicketForm, error: str | None = None) -> str:
    return render_template("cases/ticket.html", case=case, form=form, error=error)


def _terms(form: TicketForm) -> Terms:
    megabytes = _number(form.megabytes.data, "megabytes")
    return clean_terms(
        _number(form.days.data, "days"),
        _number(form.uploads.data, "uploads"),
        None if megabytes is None else megabytes * _MB,
        (form.networks.data or "").replace(",", " ").split(),
        form.recipient.data,
    )


def _number(typed: str | None, name: str) -> int | None:
    """Return what was typed as a whole number; None for nothing. Raises InvalidInputError."""
    text = (typed or "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise InvalidInputError(f"How many {name}? Type a whole number.")
    return int(text)


def _id(sent: str | None) -> UUID:
    """Return the id that the form came with; a form without one was not ours, and gets another."""
    with suppress(ValueError):
        return UUID(sent or "")
    return uuid4()
