"""Sign-in with a local password, sign-out."""

from flask import redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, logout_user
from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from app.domain.factors import Factor
from app.domain.policy import Permission
from app.queries import accounts
from app.services import passwords, sign_in
from app.web.access import public, requires
from app.web.auth.blueprint import blueprint
from app.web.auth.entering import enter
from app.web.context import system_work, work

#: One sentence for a wrong password and for no such account: it must not tell which.
REFUSED = "That address and password do not fit together."


class SignInForm(FlaskForm):  # type: ignore[misc]
    email = StringField(
        "Mail address", validators=[InputRequired("Type your mail address."), Length(max=254)]
    )
    password = PasswordField(
        "Password", validators=[InputRequired("Type your password."), Length(max=passwords.MAX_LENGTH)]
    )
    next = HiddenField(validators=[Length(max=2000)])


@blueprint.get("/sign-in", endpoint="sign_in")
@public
def show_form() -> ResponseReturnValue:
    """Show the form, or go on for whoever is signed in."""
    if current_user.is_authenticated:
        return redirect(url_for("portal.home"), code=303)
    return render_template(
        "auth/sign_in.html", form=SignInForm(formdata=None, next=request.args.get("next", "")), error=None
    )


@blueprint.post("/sign-in")
@public
def begin_session() -> ResponseReturnValue:
    """Open a new session; whatever session the browser had ends."""
    form = SignInForm()
    if not form.validate_on_submit():
        return render_template("auth/sign_in.html", form=form, error=None), 422
    with system_work() as uow:
        account = accounts.by_email(uow.session, form.email.data)
    # Outside of the unit of work: hashing takes its time, and must not hold a connection.
    if not passwords.verify(form.password.data, account.password_hash if account else None) or not account:
        with system_work() as uow:
            sign_in.refused(uow, form.email.data, request.remote_addr)
        return render_template("auth/sign_in.html", form=form, error=REFUSED), 401
    return enter(account, [Factor.PASSWORD], form.next.data)


@blueprint.post("/sign-out")
@requires(Permission.SESSION_END)
def sign_out() -> ResponseReturnValue:
    """End the session here and on the server."""
    if current_user.session_id:
        with work() as uow:
            sign_in.end(uow, current_user.session_id)
    logout_user()
    session.clear()
    return redirect(url_for("auth.sign_in"), code=303)
