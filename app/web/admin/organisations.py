"""Organisations: the list, a new one, one of them, and keeping one out."""

from collections.abc import Callable, Iterator
from typing import Final
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.domain import organisations as rules
from app.domain.errors import InvalidInputError, NotFoundError, StateConflictError
from app.domain.policy import Permission
from app.models import Organisation
from app.queries import accounts
from app.queries import organisations as organisations_query
from app.queries.organisations import OrganisationPage
from app.queries.terms import overdue
from app.services import organisations, sign_in
from app.uow import UnitOfWork
from app.web.access import requires
from app.web.admin.blueprint import blueprint
from app.web.admin.organisation_form import DETAILS, NewOrganisationForm, OrganisationForm, as_typed
from app.web.context import work
from app.web.csv_answer import csv_answer, every
from app.web.fields import ReasonForm
from app.web.listing import as_asked, organisation_filters_of_request

_HEAD: Final = (
    "name",
    "short name",
    "state",
    "people",
    "mail domains",
    "stored bytes",
    "quota bytes",
    "stored bundles",
    "quota bundles",
    "retention days",
    "retention since",
    "contacts",
    "created",
)


@blueprint.get("/organisations", endpoint="organisations")
@requires(Permission.ORGANISATION_MANAGE)
def list_organisations() -> ResponseReturnValue:
    """List organisations by name."""
    page = _page_after(request.args.get("cursor"))
    return render_template("admin/organisations.html", page=page, **as_asked("q", "state"))


@blueprint.get("/organisations.csv")
@requires(Permission.ORGANISATION_MANAGE)
def organisations_csv() -> ResponseReturnValue:
    """Return the same list, all of it, as a file."""
    return csv_answer("organisations.csv", _HEAD, _rows())


def _page_after(cursor: str | None) -> OrganisationPage:
    with work() as uow:
        filters = organisation_filters_of_request()
        return organisations_query.page(uow.session, uow.actor, filters, cursor)


def _rows() -> Iterator[list[object]]:
    for row in every(_page_after):
        each = row.organisation
        yield [
            each.name,
            each.slug,
            "suspended" if each.suspended_at else "active",
            row.people,
            " ".join(one.domain for one in each.domains),
            each.used_bytes,
            each.quota_bytes,
            each.used_uploads,
            each.quota_uploads,
            each.retention_days,
            each.retention_since,
            " ".join(each.contacts),
            each.created_at,
        ]


@blueprint.get("/organisations/new")
@requires(Permission.ORGANISATION_MANAGE, fresh=True)
def new_organisation() -> ResponseReturnValue:
    """Ask for its names and what it may do."""
    return _ask(NewOrganisationForm(formdata=None, data=_kept()))


@blueprint.post("/organisations/new")
@requires(Permission.ORGANISATION_MANAGE, fresh=True, keeps=("slug", *DETAILS))
def create_organisation() -> ResponseReturnValue:
    """Make it; show the form again, with what was typed, if it will not do."""
    form = NewOrganisationForm()
    if not form.validate():
        return _ask(form), InvalidInputError.status
    try:
        with work() as uow:
            sign_in.forget_kept(uow, current_user.session_id)
            made = organisations.create(uow, rules.clean_slug(form.slug.data), form.details())
    except StateConflictError as error:
        return _ask(form, error.message), error.status
    return _back_to(made, "created")


@blueprint.get("/organisations/<uuid:organisation_id>")
@requires(Permission.ORGANISATION_MANAGE)
def organisation(organisation_id: UUID) -> ResponseReturnValue:
    """Show one, with the form to change it."""
    with work() as uow:
        found = organisations_query.get(uow.session, uow.actor, organisation_id)
    return _show(found, OrganisationForm(formdata=None, data=as_typed(found) | _kept()))


@blueprint.post("/organisations/<uuid:organisation_id>")
@requires(Permission.ORGANISATION_MANAGE, fresh=True, keeps=DETAILS)
def change_organisation(organisation_id: UUID) -> ResponseReturnValue:
    """Change it; show the form again, with what was typed, if it will not do."""
    form = OrganisationForm()
    error: InvalidInputError | StateConflictError | None = None
    if form.validate():
        try:
            with work() as uow:
                sign_in.forget_kept(uow, current_user.session_id)
                return _back_to(organisations.change(uow, organisation_id, form.details()), "changed")
        except StateConflictError as conflict:
            error = conflict
    with work() as uow:
        found = organisations_query.get(uow.session, uow.actor, organisation_id)
    return _show(
        found, form, error.message if error else None
    ), error.status if error else InvalidInputError.status


_ACTS: Final[dict[str, Callable[[UnitOfWork, UUID, str | None], Organisation]]] = {
    "suspend": organisations.suspend,
    "resume": lambda uow, organisation_id, _reason: organisations.resume(uow, organisation_id),
}


@blueprint.get("/organisations/<uuid:organisation_id>/<act>")
@requires(Permission.ORGANISATION_MANAGE, fresh=True)
def ask_organisation_act(organisation_id: UUID, act: str) -> ResponseReturnValue:
    """Ask whether it is meant, and why."""
    return _ask_act(organisation_id, act, ReasonForm(formdata=None, data=_kept()))


@blueprint.post("/organisations/<uuid:organisation_id>/<act>")
@requires(Permission.ORGANISATION_MANAGE, fresh=True, keeps=("reason",))
def organisation_act(organisation_id: UUID, act: str) -> ResponseReturnValue:
    """Keep its people out, or let them in again."""
    form = ReasonForm()
    try:
        with work() as uow:
            sign_in.forget_kept(uow, current_user.session_id)
            return _back_to(_act(act)(uow, organisation_id, form.reason.data), act)
    except InvalidInputError as error:
        form.reason.errors = [error.message]
        return _ask_act(organisation_id, act, form), error.status


def _ask(form: NewOrganisationForm, error: str | None = None) -> str:
    return render_template("admin/organisation_new.html", form=form, error=error)


def _act(name: str) -> Callable[[UnitOfWork, UUID, str | None], Organisation]:
    if name not in _ACTS:
        raise NotFoundError
    return _ACTS[name]


def _ask_act(organisation_id: UUID, act: str, form: ReasonForm) -> str:
    _act(act)
    with work() as uow:
        found = organisations_query.get(uow.session, uow.actor, organisation_id)
    return render_template("admin/organisation_act.html", organisation=found, act=act, form=form)


def _show(found: Organisation, form: OrganisationForm, error: str | None = None) -> str:
    with work() as uow:
        people = organisations_query.people_of(uow.session, found)
        why = organisations_query.why_suspended(uow.session, found) if found.suspended_at else None
        # only as long as a new rule has not come to all bundles: later this is nothing new
        saved = request.args.get("done") == "changed" and found.retention_changed_at is not None
        due = overdue(uow.session, found.id) if saved else 0
    return render_template(
        "admin/organisation.html",
        organisation=found,
        people=people,
        why=why,
        form=form,
        error=error,
        done=request.args.get("done"),
        due=due,
    )


def _back_to(organisation: Organisation, done: str) -> ResponseReturnValue:
    return redirect(url_for("admin.organisation", organisation_id=organisation.id, done=done), code=303)


def _kept() -> dict[str, str]:
    with work() as uow:
        return accounts.kept_for(uow.session, current_user.session_id, request.path)
