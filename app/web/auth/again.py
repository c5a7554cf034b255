"""Proving once more who one is, before a dangerous act (ASVS 7.5.3).

`access` sends people here. Every factor that there is to prove it ends in `_renewed`.
"""

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user
from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField
from wtforms.validators import InputRequired, Length

from app.domain.errors import ForbiddenError
from app.domain.policy import Permission
from app.queries import accounts
from app.services import passwords, sign_in
from app.web.access import requires
from app.web.auth.blueprint import blueprint
from app.web.auth.target import inside
from app.web.auth.views import REFUSED
from app.web.context import actor, work
from app.web.login import Principal


class AgainForm(FlaskForm):  # type: ignore[misc]
    password = PasswordField(
        "Password", validators=[InputRequired("Type your password."), Length(max=passwords.MAX_LENGTH)]
    )
    next = HiddenField()


@blueprint.get("/sign-in/again", endpoint="again")
@requires(Permission.SESSION_CONFIRM)
def show_again() -> ResponseReturnValue:
    """Ask whoever is signed in for the password."""
    _only_people()
    form = AgainForm(formdata=None, next=inside(request.args.get("next")))
    return render_template("auth/again.html", form=form, error=None)


@blueprint.post("/sign-in/again")
@requires(Permission.SESSION_CONFIRM)
def confirm() -> ResponseReturnValue:
    """Compare the password; if it fits, go on where the person wanted to."""
    _only_people()
    form = AgainForm()
    form.next.data = inside(form.next.data)
    if not form.validate_on_submit():
        return render_template("auth/again.html", form=form, error=None), 422
    with work() as uow:
        password_hash = accounts.password_hash_of(uow.session, actor().id)
    # Outside of the unit of work: hashing takes its time, and must not hold a connection.
    if not passwords.verify(form.password.data, password_hash):
        with work() as uow:
            sign_in.refused(uow, actor().email, request.remote_addr)
        return render_template("auth/again.html", form=form, error=REFUSED), 401
    return _renewed("password", form.next.data)


def _renewed(factor: str, target: str) -> ResponseReturnValue:
    """Go on under a new session id. The CSRF token stays: forms in other tabs still hold it."""
    with work() as uow:
        session_id = sign_in.confirm(uow, current_user.session_id, factor)
    login_user(Principal(actor(), session_id=session_id, fresh=True))
    return redirect(target, code=303)


def _only_people() -> None:
    if current_user.session_id is None:
        raise ForbiddenError("A token has nothing to confirm. This is for people at a browser.")
