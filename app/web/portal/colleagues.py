"""The people of one's own organisation, for the customer who manages them."""

from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import StringField

from app.domain.errors import InvalidInputError, StateConflictError
from app.domain.people import PersonState
from app.domain.policy import Permission
from app.queries import accounts
from app.queries import people as people_query
from app.queries.people import state_of
from app.services import colleagues as service
from app.services import sign_in
from app.web.access import requires
from app.web.context import actor, system_work, work
from app.web.fields import ReasonForm
from app.web.listing import as_asked, people_filters_of_request
from app.web.person_acts import ACTS, OF_MANAGERS, act_named, acts_for
from app.web.portal.blueprint import blueprint


class ColleagueForm(FlaskForm):  # type: ignore[misc]
    email = StringField("Mail address")
    name = StringField("Name")


@blueprint.get("/colleagues")
@requires(Permission.COLLEAGUE_MANAGE)
def colleagues() -> ResponseReturnValue:
    """List them by name."""
    with work() as uow:
        filters, cursor = people_filters_of_request(), request.args.get("cursor")
        page = people_query.page(uow.session, uow.actor, filters, cursor)
    return render_template(
        "portal/colleagues.html",
        page=page,
        state_of=state_of,
        states=[(state.value, state.capitalize()) for state in PersonState],
        **as_asked("q", "state"),
    )


@blueprint.get("/colleagues/invite")
@requires(Permission.COLLEAGUE_MANAGE, fresh=True)
def colleague_form() -> ResponseReturnValue:
    """Ask who it is."""
    with work() as uow:
        kept = accounts.kept_for(uow.session, current_user.session_id, request.path)
    return _ask(ColleagueForm(formdata=None, data=kept))


@blueprint.post("/colleagues/invite")
@requires(Permission.COLLEAGUE_MANAGE, fresh=True, keeps=("email", "name"))
def invite_colleague() -> ResponseReturnValue:
    """Invite them; show the form again, with what was typed, if it will not do."""
    form = ColleagueForm()
    with system_work() as uow:  # no customer reads or writes what is counted
        service.count_invitation(uow, actor().id, actor().address)
    try:
        with system_work() as uow:  # nor what other organisations' addresses are
            service.check_not_elsewhere(uow, actor().organisation_id, form.email.data or "")
        with work() as uow:
            sign_in.forget_kept(uow, current_user.session_id)
            account = service.invite(uow, form.email.data or "", form.name.data or "")
    except (InvalidInputError, StateConflictError) as error:
        return _ask(form, error.message), error.status
    return redirect(url_for("portal.colleague", account_id=account.id, done="invited"), code=303)


@blueprint.get("/colleagues/<uuid:account_id>")
@requires(Permission.COLLEAGUE_MANAGE)
def colleague(account_id: UUID) -> ResponseReturnValue:
    """Show one of them."""
    with work() as uow:
        found = people_query.get(uow.session, uow.actor, account_id)
        facts = people_query.facts(uow.session, found)
        why_not = service.out_of_reach(uow, found)
    state, done = state_of(found), request.args.get("done", "")
    return render_template(
        "portal/colleague.html",
        person=found,
        state=state,
        facts=facts,
        acts=[] if why_not else acts_for(state, OF_MANAGERS),
        why_not=why_not,
        done="The invitation is on its way."
        if done == "invited"
        else ACTS[done].done
        if done in ACTS
        else None,
    )


@blueprint.get("/colleagues/<uuid:account_id>/<act>")
@requires(Permission.COLLEAGUE_MANAGE, fresh=True)
def ask_colleague_act(account_id: UUID, act: str) -> ResponseReturnValue:
    """Ask whether it is meant, and perhaps why."""
    with work() as uow:
        kept = accounts.kept_for(uow.session, current_user.session_id, request.path)
    return _ask_act(account_id, act, ReasonForm(formdata=None, data=kept))


@blueprint.post("/colleagues/<uuid:account_id>/<act>")
@requires(Permission.COLLEAGUE_MANAGE, fresh=True, keeps=("reason",))
def colleague_act(account_id: UUID, act: str) -> ResponseReturnValue:
    """Do it."""
    form = ReasonForm()
    try:
        with work() as uow:
            sign_in.forget_kept(uow, current_user.session_id)
            service.check_within_reach(uow, account_id, lock=True)
            act_named(act, OF_MANAGERS).do(uow, account_id, form.reason.data)
    except InvalidInputError as error:
        form.reason.errors = [error.message]
        return _ask_act(account_id, act, form), error.status
    return redirect(url_for("portal.colleague", account_id=account_id, done=act), code=303)


def _ask(form: ColleagueForm, error: str | None = None) -> str:
    return render_template("portal/colleague_invite.html", form=form, error=error)


def _ask_act(account_id: UUID, name: str, form: ReasonForm) -> str:
    with work() as uow:
        found = service.check_within_reach(uow, account_id)
    return render_template(
        "people/act.html",
        layout="layouts/base.html",
        person=found,
        act=act_named(name, OF_MANAGERS),
        form=form,
        address=url_for("portal.colleague_act", account_id=account_id, act=name),
        back=url_for("portal.colleague", account_id=account_id),
    )
