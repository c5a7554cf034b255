"""Proving once more who one is, before a dangerous act (ASVS 7.5.3).

`access` sends people here. Every factor that there is to prove it ends in `entering.renewed`. Where there
is a second factor, a password alone proves nothing: it may have been stolen with the browser.
"""

from dataclasses import dataclass

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from app.domain.factors import Factor
from app.domain.policy import Permission
from app.models import Account
from app.queries import accounts
from app.queries import factors as held
from app.queries.factors import Factors
from app.services import accounts as accounts_service
from app.services import factors, passwords, sign_in, tries
from app.services.tries import Kind
from app.web.access import requires
from app.web.auth.blueprint import blueprint
from app.web.auth.entering import renewed
from app.web.auth.slowing import slow_down
from app.web.auth.target import inside
from app.web.auth.views import REFUSED
from app.web.context import actor, system, system_work, work

_REFUSED_BOTH = "Password and code do not fit, or the code was used before."


class AgainForm(FlaskForm):  # type: ignore[misc]
    password = PasswordField(
        "Password", validators=[InputRequired("Type your password."), Length(max=passwords.MAX_LENGTH)]
    )
    code = StringField("Code", validators=[InputRequired("Type a code."), Length(max=100)])
    next = HiddenField()


@dataclass(frozen=True, slots=True)
class Ways:
    """By what the person who asks can prove who they are."""

    password_hash: str | None
    has: Factors
    by_passkey: bool


@blueprint.get("/sign-in/again", endpoint="again")
@requires(Permission.SESSION_CONFIRM)
def show_again() -> ResponseReturnValue:
    """Ask whoever is signed in for what they have."""
    return _page(_ways(), AgainForm(formdata=None, next=inside(request.args.get("next"))))


@blueprint.post("/sign-in/again")
@requires(Permission.SESSION_CONFIRM)
def confirm() -> ResponseReturnValue:
    """Compare the password, and the code where there is a second factor; go on where the person wanted to."""
    ways, form = _ways(), AgainForm()
    form.next.data = inside(form.next.data)
    if not ways.has.second:
        del form.code
    if not form.validate_on_submit():
        return _page(ways, form), 422
    subject = str(actor().id)
    with system_work() as uow:
        failures = tries.begin(uow, Kind.CONFIRM, subject, request.remote_addr)
    slow_down(failures)
    # Outside of the unit of work: hashing takes its time, and must not hold a connection.
    fits = passwords.verify(form.password.data, ways.password_hash)
    by = _proved(fits, form.code.data if ways.has.second else None)
    if not by:
        return _page(ways, form, _REFUSED_BOTH if ways.has.second else REFUSED), 401
    with system_work() as uow:
        tries.succeeded(uow, Kind.CONFIRM, subject, request.remote_addr)
    return renewed(by, form.next.data)


def _proved(password_fits: bool, code: str | None) -> list[Factor]:
    """Return what was proved, the password included: nothing, unless everything that was asked for fits."""
    if password_fits and code is None:
        return [Factor.PASSWORD]
    with work() as uow:
        factor = factors.prove(uow, factors.own(uow), code) if password_fits else None
        if factor is None:
            sign_in.refused(uow, actor().email, request.remote_addr)
    return [Factor.PASSWORD, factor] if factor else []


def _ways() -> Ways:
    with system_work() as uow:
        account = uow.session.get_one(Account, actor().id)
        may = accounts_service.may_have_password(system().settings, account.role)
        return Ways(
            accounts.password_hash_of(uow.session, account.id) if may else None,
            has := held.of(uow.session, account.id),
            by_passkey=may and bool(has.passkeys),
        )


def _page(ways: Ways, form: AgainForm, error: str | None = None) -> str:
    return render_template("auth/again.html", form=form, ways=ways, error=error)
