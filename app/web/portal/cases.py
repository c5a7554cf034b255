"""Cases: the list, one of them with its uploads, and what staff do with it."""

from uuid import UUID

from flask import jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField

from app.domain.errors import InvalidInputError, StateConflictError
from app.domain.policy import Permission
from app.models import Case
from app.queries import cases as cases_query
from app.queries import subscriptions, tickets, uploads
from app.queries.uploads import Filters
from app.services import cases, sights
from app.web.access import requires
from app.web.case_json import case_json
from app.web.context import actor, work
from app.web.errors import is_browser, wants_json
from app.web.listing import as_asked, case_filters_of_request
from app.web.portal.assigning import opened_by_person
from app.web.portal.blueprint import blueprint


class CaseForm(FlaskForm):  # type: ignore[misc]
    organisation = SelectField("Organisation", validate_choice=False)
    reference = StringField("Reference")
    title = StringField("Title")


@blueprint.get("/cases", endpoint="cases")
@requires(Permission.CASE_READ)
def list_cases() -> ResponseReturnValue:
    """List cases, newest first; JSON for who asks for it."""
    with work() as uow:
        page = cases_query.page(uow.session, uow.actor, case_filters_of_request(), request.args.get("cursor"))
        organisations = uploads.organisations(uow.session, uow.actor)
    if wants_json():
        items = [case_json(row.case) | {"uploads": row.uploads} for row in page.items]
        return jsonify(items=items, next_cursor=page.next_cursor)
    return render_template(
        "cases/list.html",
        page=page,
        **as_asked("q", "state", "organisation"),
        organisations=organisations,
    )


@blueprint.get("/cases/new")
@requires(Permission.CASE_MANAGE)
def new_case() -> ResponseReturnValue:
    """Ask what the case is."""
    return _ask(CaseForm(formdata=None))


@blueprint.post("/cases")
@requires(Permission.CASE_MANAGE)
def create_case() -> ResponseReturnValue:
    """Make a case; show the form again, with what was typed, if it will not do."""
    form = CaseForm()
    try:
        with work() as uow:
            made = cases.create(uow, form.organisation.data or "", form.reference.data, form.title.data)
    except (InvalidInputError, StateConflictError) as error:
        if not is_browser():
            raise
        return _ask(form, error.message), error.status
    return redirect(url_for("portal.case", case_id=made.id), code=303)


def _ask(form: CaseForm, error: str | None = None) -> str:
    with work() as uow:
        form.organisation.choices = [("", "Choose one"), *uploads.organisations(uow.session, uow.actor)]
    return render_template("cases/new.html", form=form, error=error)


@blueprint.get("/cases/<uuid:case_id>")
@requires(Permission.CASE_READ)
def case(case_id: UUID) -> ResponseReturnValue:
    """Show one case: its uploads, and to staff its tickets."""
    with work() as uow:
        found = cases_query.get(uow.session, uow.actor, case_id)
        filters = Filters(organisation=found.organisation.slug, case=found.reference)
        page = uploads.page(uow.session, uow.actor, filters)
        manages = actor().may(Permission.TICKET_MANAGE)
        issued = tickets.of_case(uow.session, uow.actor, found) if manages else []
        follow = subscriptions.follow_of(uow.session, uow.actor.id, found.id)
        if opened_by_person():
            sights.note_case(uow, found)
    if wants_json():
        return jsonify(case_json(found))
    return render_template("cases/case.html", case=found, page=page, tickets=issued, follow=follow)


@blueprint.post("/cases/<uuid:case_id>")
@requires(Permission.CASE_MANAGE)
def retitle_case(case_id: UUID) -> ResponseReturnValue:
    """Give the case another title."""
    with work() as uow:
        return _done(cases.retitle(uow, case_id, CaseForm().title.data))


@blueprint.post("/cases/<uuid:case_id>/close")
@requires(Permission.CASE_MANAGE)
def close_case(case_id: UUID) -> ResponseReturnValue:
    """Close the case, and with it its tickets."""
    with work() as uow:
        return _done(cases.close(uow, case_id))


@blueprint.post("/cases/<uuid:case_id>/reopen")
@requires(Permission.CASE_MANAGE)
def reopen_case(case_id: UUID) -> ResponseReturnValue:
    """Open the case again."""
    with work() as uow:
        return _done(cases.reopen(uow, case_id))


def _done(found: Case) -> ResponseReturnValue:
    if wants_json():
        return jsonify(case_json(found))
    return redirect(url_for("portal.case", case_id=found.id), code=303)


@blueprint.post("/files/<uuid:upload_id>/case")
@requires(Permission.UPLOAD_ATTACH)
def attach(upload_id: UUID) -> ResponseReturnValue:
    """Put an upload into a case, or into another, or into none."""
    with work() as uow:
        cases.attach(uow, upload_id, request.form.get("case"))
    return redirect(url_for("portal.file", upload_id=upload_id), code=303)
