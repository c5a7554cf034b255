"""One person: what is known, another role, and what else can be done."""

from typing import Final
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.domain.errors import (
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    PortalError,
    StateConflictError,
)
from app.domain.policy import Permission
from app.models import Account
from app.queries import accounts, uploads
from app.queries import people as people_query
from app.services import people, sign_in
from app.web.access import requires
from app.web.admin.blueprint import blueprint
from app.web.admin.person_form import PLACE, PersonForm
from app.web.context import work
from app.web.fields import ReasonForm
from app.web.person_acts import ACTS, act_named, acts_for

_DONE: Final = {
    "invited": "The invitation is on its way.",
    "changed": "Saved.",
    "mail-address": "The mail address is changed.",
}


@blueprint.get("/people/<uuid:account_id>")
@requires(Permission.PERSON_MANAGE)
def person(account_id: UUID) -> ResponseReturnValue:
    """Show what is known of somebody, with the form to change it."""
    with work() as uow:
        found = people_query.get(uow.session, uow.actor, account_id)
        kept = accounts.kept_for(uow.session, current_user.session_id, request.path)
    typed = {
        "name": found.name,
        "role": found.role.value,
        "organisation": found.organisation.slug if found.organisation else "",
        "manager": found.manager if not kept else False,  # a box that was not ticked is not kept
    }
    return _show(found, PersonForm(formdata=None, data=typed | kept))


@blueprint.post("/people/<uuid:account_id>")
@requires(Permission.PERSON_MANAGE, fresh=True, keeps=PLACE)
def change_person(account_id: UUID) -> ResponseReturnValue:
    """Change it; show the form again, with what was typed, if it will not do."""
    form = PersonForm()
    with work() as uow:
        found = people_query.get(uow.session, uow.actor, account_id)
    try:
        with work() as uow:
            sign_in.forget_kept(uow, current_user.session_id)
            people.change(uow, account_id, form.place())
    except (InvalidInputError, ForbiddenError, NotFoundError, StateConflictError) as error:
        return _show(found, form, error), error.status
    return redirect(url_for("admin.person", account_id=account_id, done="changed"), code=303)


@blueprint.get("/people/<uuid:account_id>/<act>")
@requires(Permission.PERSON_MANAGE, fresh=True)
def ask_person_act(account_id: UUID, act: str) -> ResponseReturnValue:
    """Ask whether it is meant, and perhaps why."""
    with work() as uow:
        kept = accounts.kept_for(uow.session, current_user.session_id, request.path)
    return _ask_act(account_id, act, ReasonForm(formdata=None, data=kept))


@blueprint.post("/people/<uuid:account_id>/<act>")
@requires(Permission.PERSON_MANAGE, fresh=True, keeps=("reason",))
def person_act(account_id: UUID, act: str) -> ResponseReturnValue:
    """Do it."""
    form = ReasonForm()
    try:
        with work() as uow:
            sign_in.forget_kept(uow, current_user.session_id)
            act_named(act).do(uow, account_id, form.reason.data)
    except InvalidInputError as error:
        form.reason.errors = [error.message]
        return _ask_act(account_id, act, form), error.status
    return redirect(url_for("admin.person", account_id=account_id, done=act), code=303)


def _ask_act(account_id: UUID, name: str, form: ReasonForm) -> str:
    act = act_named(name)
    with work() as uow:
        found = people_query.get(uow.session, uow.actor, account_id)
    return render_template(
        "people/act.html",
        layout="layouts/admin.html",
        person=found,
        act=act,
        form=form,
        address=url_for("admin.person_act", account_id=account_id, act=name),
        back=url_for("admin.person", account_id=account_id),
    )


def _show(found: Account, form: PersonForm, error: PortalError | None = None) -> str:
    with work() as uow:
        form.offer(uploads.organisations(uow.session, uow.actor))
        facts = people_query.facts(uow.session, found)
        identities = people_query.identities(uow.session, found)
        of_support = not found.active and people_query.suspended_by_support(uow.session, found)
    state, done = people_query.state_of(found), request.args.get("done", "")
    return render_template(
        "admin/person.html",
        person=found,
        state=state,
        facts=facts,
        identities=identities,
        form=form,
        acts=[act for act in acts_for(state) if not (of_support and act.name == "keep-out")],
        error=error.message if error else None,
        done=_DONE.get(done) or (ACTS[done].done if done in ACTS else None),
    )
