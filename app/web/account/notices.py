"""Choosing how and when one hears of things."""

from http import HTTPStatus
from uuid import UUID

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.domain.errors import InvalidInputError
from app.domain.policy import Permission
from app.services import following, preferences
from app.web.access import requires
from app.web.account import views
from app.web.account.blueprint import blueprint
from app.web.account.choices import complaint
from app.web.context import work
from app.web.errors import is_browser

_NO_EVENT = "csrf_token"  # the only other field of the form


@blueprint.post("/notices")
@requires(Permission.ACCOUNT_OWN)
def choose_notices() -> ResponseReturnValue:
    """Tell them of what happens in the chosen ways from now on."""
    with work() as uow:
        preferences.choose_notices(
            uow, {name: way for name, way in request.form.items() if name != _NO_EVENT}
        )
    return _saved("notices")


@blueprint.post("/times")
@requires(Permission.ACCOUNT_OWN)
def choose_times() -> ResponseReturnValue:
    """Leave them in peace in quiet hours, and send the daily mail when they want it."""
    fields = ("quiet_from", "quiet_until", "digest_at")
    try:
        with work() as uow:
            preferences.choose_times(uow, *(request.form.get(name, "") for name in fields))
    except InvalidInputError as error:
        return _again("times", error)
    return _saved("times")


@blueprint.post("/wishes")
@requires(Permission.ACCOUNT_OWN)
def add_wish() -> ResponseReturnValue:
    """Tell them otherwise of one event of one organisation."""
    fields = ("organisation", "event", "way")
    try:
        with work() as uow:
            preferences.choose_for_organisation(uow, *(request.form.get(name, "") for name in fields))
    except InvalidInputError as error:
        return _again("wishes", error)
    return _saved("wishes")


@blueprint.post("/wishes/<uuid:wish_id>/take-back")
@requires(Permission.ACCOUNT_OWN)
def take_back_wish(wish_id: UUID) -> ResponseReturnValue:
    """Forget what they wished for one organisation or one case."""
    with work() as uow:
        preferences.take_back(uow, wish_id)
    return _saved("wishes")


@blueprint.post("/followed/<uuid:case_id>/take-back")
@requires(Permission.ACCOUNT_OWN)
def unfollow(case_id: UUID) -> ResponseReturnValue:
    """Watch or mute a case no longer."""
    with work() as uow:
        following.follow(uow, case_id, following.NEITHER)
    return _saved("wishes")


def _saved(section: str) -> ResponseReturnValue:
    return redirect(url_for("account.page", saved=section, _anchor=section), code=303)


def _again(section: str, error: InvalidInputError) -> ResponseReturnValue:
    """Show the page again with what was typed, and what is wrong with it."""
    if not is_browser():
        raise error
    return views.shown(**complaint(section, error.message, request.form)), HTTPStatus.UNPROCESSABLE_ENTITY
