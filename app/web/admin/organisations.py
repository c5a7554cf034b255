"""Organisations: the list, a new one, one of them, and keeping one out."""

from collections.abc import Callable, Iterator
from typing import Final
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import StringField, TextAreaField

from app.domain import organisations as rules
from app.domain.errors import InvalidInputError, NotFoundError, StateConflictError
from app.domain.organisations import Details
from app.domain.people import clean_name
from app.domain.policy import Permission
from app.domain.sizes import exact_size
from app.models import Organisation
from app.queries import accounts
from app.queries import organisations as organisations_query
from app.queries.organisations import OrganisationPage
from app.services import organisations, sign_in
from app.uow import UnitOfWork
from app.web.access import requires
from app.web.admin.blueprint import blueprint
from app.web.context import work
from app.web.csv_answer import csv_answer, every
from app.web.fields import ReasonForm, clean, lines
from app.web.listing import as_asked, organisation_filters_of_request

_DETAILS: Final = ("name", "domains", "quota_bytes", "quota_uploads", "retention_days", "contacts")
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
    "contacts",
    "created",
)


class OrganisationForm(FlaskForm):  # type: ignore[misc]
    name = StringField("Name", validators=[clean(clean_name)])
    domains = TextAreaField("Mail domains", validators=[clean(lambda text: rules.clean_domains(lines(text)))])
    quota_bytes = StringField("May store", validators=[clean(rules.clean_quota_bytes)])
    quota_uploads = StringField("Bundles", validators=[clean(rules.clean_quota_uploads)])
    retention_days = StringField("Keep bundles for", validators=[clean(rules.clean_retention)])
    contacts = TextAreaField("Contacts", validators=[clean(lambda text: rules.clean_contacts(lines(text)))])

    def details(self) -> Details:
        """Return what was typed. Raises InvalidInputError."""
        return Details(
            name=clean_name(self.name.data),
            domains=rules.clean_domains(lines(self.domains.data)),
            quota_bytes=rules.clean_quota_bytes(self.quota_bytes.data),
            quota_uploads=rules.clean_quota_uploads(self.quota_uploads.data),
            retention_days=rules.clean_retention(self.retention_days.data),
            contacts=rules.clean_contacts(lines(self.contacts.data)),
        )


class NewOrganisationForm(OrganisationForm):
    slug = StringField("Short name", validators=[clean(rules.clean_slug)])


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
            " ".join(each.contacts),
            each.created_at,
        ]


@blueprint.get("/organisations/new")
@requires(Permission.ORGANISATION_MANAGE, fresh=True)
def new_organisation() -> ResponseReturnValue:
    """Ask for its names and what it may do."""
    return _ask(NewOrganisationForm(formdata=None, data=_kept()))


@blueprint.post("/organisations/new")
@requires(Permission.ORGANISATION_MANAGE, fresh=True, keeps=("slug", *_DETAILS))
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
    return _show(found, OrganisationForm(formdata=None, data=_as_typed(found) | _kept()))


@blueprint.post("/organisations/<uuid:organisation_id>")
@requires(Permission.ORGANISATION_MANAGE, fresh=True, keeps=_DETAILS)
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
    return render_template(
        "admin/organisation.html",
        organisation=found,
        people=people,
        why=why,
        form=form,
        error=error,
        done=request.args.get("done"),
    )


def _back_to(organisation: Organisation, done: str) -> ResponseReturnValue:
    return redirect(url_for("admin.organisation", organisation_id=organisation.id, done=done), code=303)


def _as_typed(organisation: Organisation) -> dict[str, object]:
    """Return what stands in the form of an organisation."""
    return {
        "name": organisation.name,
        "domains": "\n".join(each.domain for each in organisation.domains),
        "quota_bytes": "" if organisation.quota_bytes is None else exact_size(organisation.quota_bytes),
        "quota_uploads": organisation.quota_uploads,
        "retention_days": organisation.retention_days,
        "contacts": "\n".join(organisation.contacts),
    }


def _kept() -> dict[str, str]:
    with work() as uow:
        return accounts.kept_for(uow.session, current_user.session_id, request.path)
