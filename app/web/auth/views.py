"""Sign-in with a local password, sign-out."""

from flask import redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, logout_user
from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from app.domain.factors import Factor
from app.domain.policy import Permission
from app.models import Account
from app.queries import accounts as accounts_query
from app.services import accounts, passwords, sign_in, tries
from app.web.access import public, requires
from app.web.auth.blueprint import blueprint
from app.web.auth.entering import proved
from app.web.auth.provider import for_address, leaving
from app.web.auth.slowing import slow_down
from app.web.context import system, system_work, work

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
    return _page(SignInForm(formdata=None, next=request.args.get("next", "")))


@blueprint.post("/sign-in")
@public
def begin_session() -> ResponseReturnValue:
    """Compare the password; if it fits, open a session, or ask for the second factor that is owed."""
    form = SignInForm()
    if not form.password.data and (provider := for_address(form.email.data or "")):
        return leaving(provider, form.next.data)
    if not form.validate_on_submit():
        return _page(form), 422
    account = _whose(form.email.data, form.password.data)
    if account is None:
        return _page(form, REFUSED), 401
    return proved(account, Factor.PASSWORD, form.next.data)


def _whose(email: str, password: str) -> Account | None:
    """Return whose address and password these are.

    Nobody's and a wrong password come to the same, in as many steps (T35).

    Raises:
        TooManyTriesError: enough have failed lately.
    """
    with system_work() as uow:
        failures = tries.begin(uow, tries.Kind.SIGN_IN, email, request.remote_addr)
        found = accounts_query.credentials(uow.session, email)
    slow_down(failures)
    allowed = found is not None and accounts.may_have_password(system().settings, found.role)
    # Outside of the unit of work: hashing takes its time, and must not hold a connection.
    if not passwords.verify(password, found.password_hash if found and allowed else None):
        with system_work() as uow:
            sign_in.refused(uow, email, request.remote_addr)
        return None
    with system_work() as uow:
        tries.succeeded(uow, tries.Kind.SIGN_IN, email, request.remote_addr)
        return accounts_query.by_email(uow.session, email)


def _page(form: SignInForm, error: str | None = None) -> str:
    providers_only = system().settings.staff_sign_in == "provider"
    return render_template("auth/sign_in.html", form=form, error=error, providers_only=providers_only)


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
