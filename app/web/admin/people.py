"""People: the list, and inviting one."""

from collections.abc import Iterator
from typing import Final

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.domain.errors import InvalidInputError, NotFoundError, StateConflictError
from app.domain.people import PersonState
from app.domain.policy import Permission, Role
from app.queries import accounts, uploads
from app.queries import organisations as organisations_query
from app.queries import people as people_query
from app.queries.people import PeoplePage, state_of
from app.services import people, sign_in
from app.web.access import requires
from app.web.admin.blueprint import blueprint
from app.web.admin.person_form import PLACE, InviteForm
from app.web.context import work
from app.web.csv_answer import csv_answer, every
from app.web.listing import as_asked, people_filters_of_request

_HEAD: Final = (
    "mail",
    "name",
    "role",
    "organisation",
    "manager",
    "state",
    "created",
    "activated",
    "last sign-in",
)


@blueprint.get("/people", endpoint="people")
@requires(Permission.PERSON_MANAGE)
def list_people() -> ResponseReturnValue:
    """List people by name."""
    page = _page_after(request.args.get("cursor"))
    with work() as uow:
        organisations = uploads.organisations(uow.session, uow.actor)
    return render_template(
        "admin/people.html",
        page=page,
        state_of=state_of,
        invited=request.args.get("done", 0, type=int),
        states=[(state.value, state.capitalize()) for state in PersonState],
        roles=[(role.value, role.capitalize()) for role in Role],
        organisations=organisations,
        **as_asked("q", "role", "organisation", "state"),
    )


@blueprint.get("/people.csv")
@requires(Permission.PERSON_MANAGE)
def people_csv() -> ResponseReturnValue:
    """Return the same list, all of it, as a file."""
    return csv_answer("people.csv", _HEAD, _rows())


def _page_after(cursor: str | None) -> PeoplePage:
    with work() as uow:
        return people_query.page(uow.session, uow.actor, people_filters_of_request(), cursor)


def _rows() -> Iterator[list[object]]:
    for each in every(_page_after):
        yield [
            each.email,
            each.name,
            each.role,
            each.organisation.slug if each.organisation else None,
            each.manager,
            state_of(each),
            each.created_at,
            each.activated_at,
            each.signed_in_at,
        ]


@blueprint.get("/people/invite")
@requires(Permission.PERSON_MANAGE, fresh=True)
def invite_form() -> ResponseReturnValue:
    """Ask who it is and what they may do."""
    with work() as uow:
        kept = accounts.kept_for(uow.session, current_user.session_id, request.path)
    home = request.args.get("organisation", "")
    asked = {"role": Role.CUSTOMER.value if home else "", "organisation": home}
    return _ask(InviteForm(formdata=None, data=asked | kept))


@blueprint.post("/people/invite")
@requires(Permission.PERSON_MANAGE, fresh=True, keeps=("email", *PLACE))
def invite_person() -> ResponseReturnValue:
    """Invite somebody; show the form again, with what was typed, if it will not do."""
    form = InviteForm()
    try:
        with work() as uow:
            sign_in.forget_kept(uow, current_user.session_id)
            account = people.invite(uow, form.email.data or "", form.place())
    except (InvalidInputError, NotFoundError, StateConflictError) as error:
        return _ask(form, error.message), error.status
    return redirect(url_for("admin.person", account_id=account.id, done="invited"), code=303)


def _ask(form: InviteForm, error: str | None = None) -> str:
    with work() as uow:
        form.offer(organisations_query.open_to_people(uow.session))
    form.ask_for_role()
    return render_template("admin/invite.html", form=form, error=error)
