"""By what somebody signs in: their password, an authenticator app, recovery codes.

Every change needs a person who proved lately who they are (ASVS 7.5.1), and ends their other sessions.
"""

from typing import Final
from urllib.parse import quote

import segno
from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired, Length

from app.domain.errors import InvalidInputError
from app.domain.factors import Factor
from app.domain.policy import Permission
from app.models import Account, SignInSession
from app.queries import accounts as accounts_query
from app.queries import factors as held
from app.services import accounts, factors, passwords, sign_in, totp, tries
from app.services.tries import Kind
from app.uow import UnitOfWork
from app.web.access import requires
from app.web.account.blueprint import blueprint
from app.web.context import actor, system, system_work, work
from app.web.opening import open_session

_WRONG: Final = "That is not your password."


class AppForm(FlaskForm):  # type: ignore[misc]
    code = StringField("Code of the app", validators=[InputRequired("Type a code."), Length(max=100)])


class PasswordForm(FlaskForm):  # type: ignore[misc]
    current = PasswordField("Password so far", validators=[Length(max=passwords.MAX_LENGTH)])
    password = PasswordField("New password", validators=[InputRequired("Choose a password.")])
    again = PasswordField(
        "New password once more", validators=[EqualTo("password", "That is not the same as above.")]
    )


def shown(uow: UnitOfWork) -> dict[str, object]:
    """Return what account/_factors.html says of the actor."""
    account = uow.session.get_one(Account, uow.actor.id)
    return {
        "has": held.of(uow.session, account.id),
        "has_password": account.password_hash is not None,
        "may_have_password": accounts.may_have_password(uow.settings, account.role),
    }


@blueprint.get("/authenticator")
@requires(Permission.ACCOUNT_OWN, fresh=True)
def app_page() -> ResponseReturnValue:
    """Show how to add an authenticator app, what waits to be confirmed, or how to remove the app."""
    return _app_page(AppForm(formdata=None))


@blueprint.post("/authenticator")
@requires(Permission.ACCOUNT_OWN, fresh=True)
def change_app() -> ResponseReturnValue:
    """Make a secret, confirm it with a code, or remove the app: as ``act`` says."""
    act, form = request.form.get("act"), AppForm()
    if act == "propose":
        with work() as uow:
            totp.propose(uow, factors.own(uow))
        return redirect(url_for("account.app_page"), code=303)
    if act == "remove":
        with work() as uow:
            factors.remove_app(uow, current_user.session_id)
        return redirect(_back(), code=303)
    if not form.validate_on_submit():
        return _app_page(form), 422
    with system_work() as uow:
        tries.begin(uow, Kind.CONFIRM, str(actor().id), request.remote_addr)
    try:
        with work() as uow:
            factors.confirm_app(uow, current_user.session_id, form.code.data)
            codes = held.of(uow.session, uow.actor.id).codes
    except InvalidInputError as error:
        return _app_page(form, error.message), error.status
    with system_work() as uow:
        tries.succeeded(uow, Kind.CONFIRM, str(actor().id), request.remote_addr)
    return redirect(_back() if codes else url_for("account.codes_page"), code=303)


@blueprint.get("/recovery-codes")
@requires(Permission.ACCOUNT_OWN, fresh=True)
def codes_page() -> ResponseReturnValue:
    """Say what recovery codes are for, and offer new ones."""
    with work() as uow:
        has = held.of(uow.session, uow.actor.id)
    return render_template("account/recovery_codes.html", has=has, codes=None)


@blueprint.post("/recovery-codes")
@requires(Permission.ACCOUNT_OWN, fresh=True)
def make_codes() -> ResponseReturnValue:
    """Make new codes, and show them this once."""
    with work() as uow:
        codes = factors.renew_codes(uow, current_user.session_id)
        has = held.of(uow.session, uow.actor.id)
    text = f"Recovery codes for {actor().email} at {system().settings.base_url}\r\nEach is good once.\r\n\r\n"
    text += "\r\n".join(codes) + "\r\n"
    return render_template("account/recovery_codes.html", has=has, codes=codes, file=quote(text))


@blueprint.get("/password")
@requires(Permission.ACCOUNT_OWN, fresh=True)
def password_page() -> ResponseReturnValue:
    """Ask for a new password."""
    return _password_page(PasswordForm(formdata=None))


@blueprint.post("/password")
@requires(Permission.ACCOUNT_OWN, fresh=True)
def change_password() -> ResponseReturnValue:
    """Replace the password; who does so stays signed in here, under a new session, and nowhere else."""
    form = PasswordForm()
    if not form.validate_on_submit():
        return _password_page(form), 422
    if not _knows_password(form.current.data or ""):
        form.current.errors = [_WRONG]
        return _password_page(form), 422
    try:
        with work() as uow:
            account = factors.own(uow)
            row = uow.session.get_one(SignInSession, current_user.session_id)
            proved, provider_id = [Factor(each) for each in row.factors], row.provider_id
            accounts.set_password(uow, account, form.password.data)
    except InvalidInputError as error:
        form.password.errors = [*form.password.errors, error.message]
        return _password_page(form), error.status
    open_session(account, proved, provider_id)
    return redirect(_back(), code=303)


def _knows_password(typed: str) -> bool:
    """Whether it is the actor's password so far (ASVS 6.2.3), or there is none yet."""
    with system_work() as uow:
        password_hash = accounts_query.password_hash_of(uow.session, actor().id)
        if password_hash is None:
            return True
        tries.begin(uow, Kind.CONFIRM, str(actor().id), request.remote_addr)
    if not passwords.verify(typed, password_hash):
        with work() as uow:
            sign_in.refused(uow, actor().email, request.remote_addr)
        return False
    with system_work() as uow:
        tries.succeeded(uow, Kind.CONFIRM, str(actor().id), request.remote_addr)
    return True


def _app_page(form: AppForm, error: str | None = None) -> str:
    with work() as uow:
        account = uow.session.get_one(Account, uow.actor.id)
        has = held.of(uow.session, account.id)
        proposed = totp.proposed(uow, account)
    drawing = (
        segno.make(proposed[1], error="m").svg_data_uri(scale=5, border=4, light="#fff") if proposed else None
    )
    return render_template(
        "account/authenticator.html",
        form=form,
        has=has,
        secret=proposed[0] if proposed else None,
        drawing=drawing,
        error=error,
    )


def _password_page(form: PasswordForm) -> str:
    with work() as uow:
        return render_template("account/password.html", form=form, **shown(uow))


def _back() -> str:
    return url_for("account.page", _anchor="factors")
