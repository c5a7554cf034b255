"""The second factor of a sign-in: the only page that is open to whoever has proved just one (T37)."""

from uuid import UUID

from flask import g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from app.domain.errors import NotSignedInError
from app.domain.factors import Factor
from app.models import PendingSignIn
from app.queries import accounts
from app.queries import factors as held
from app.services import accounts as accounts_service
from app.services import factors, half_way, sign_in, tries
from app.services.tries import Failed, Kind
from app.web.access import public
from app.web.auth.blueprint import blueprint
from app.web.auth.entering import HALF, enter
from app.web.auth.slowing import slow_down
from app.web.context import system, system_work

_SUSPICIOUS = 5  # wrong codes after a right password: its owner should know
_WARNING = (
    "Somebody typed your password and then several wrong codes. If it was not you, choose a new password now."
)
_REFUSED = "This code does not fit, or was used before. Type the one that your app shows now."
_OVER = "Too many codes did not fit. Sign in again with your password."


class SecondForm(FlaskForm):  # type: ignore[misc]
    code = StringField("Code", validators=[InputRequired("Type a code."), Length(max=100)])


@blueprint.get("/sign-in/second", endpoint="second")
@public
def ask_second() -> ResponseReturnValue:
    """Ask whoever is half signed in for the rest."""
    half = pending()
    return _page(half, SecondForm(formdata=None)) if half else redirect(url_for("auth.sign_in"), code=303)


@blueprint.post("/sign-in/second")
@public
def prove_second() -> ResponseReturnValue:
    """Compare the code; if it fits, open the session."""
    half, form = pending(), SecondForm()
    if half is None:
        return redirect(url_for("auth.sign_in"), code=303)
    if not form.validate_on_submit():
        return _page(half, form), 422
    subject = str(half.account_id)
    try:
        with system_work() as uow:
            over = half_way.count_try(uow, half.id) >= half_way.MAX_FAILURES
            failures = tries.begin(uow, Kind.SECOND_FACTOR, subject, request.remote_addr)
            everywhere = tries.everywhere(uow, Kind.SECOND_FACTOR, subject)
        slow_down(failures)
        factor = _take(half, form.code.data, everywhere, over=over)
    except NotSignedInError:
        return redirect(url_for("auth.sign_in"), code=303)
    if factor is None:
        page = render_template("auth/second_over.html", error=_OVER) if over else _page(half, form, _REFUSED)
        return page, 401
    with system_work() as uow:
        tries.succeeded(uow, Kind.SECOND_FACTOR, subject, request.remote_addr)
    return enter(half.account, [Factor(half.factor), factor], half.target)


def pending() -> PendingSignIn | None:
    """Return the sign-in of this browser that owes its second factor; None if there is none."""
    named = session.get(HALF)
    if named is None:
        return None
    with system_work() as uow:
        return held.pending(uow.session, UUID(named))


def _take(half: PendingSignIn, code: str, everywhere: Failed, *, over: bool) -> Factor | None:
    """Use up the code, and with it what was half done: both, or neither; None if the code does not fit.

    ``over``: if it does not fit, it was the last. Of wrong ones the owner is told once in a while,
    wherever they come from: whoever types them knows the password.

    Raises:
        NotSignedInError: another request did so first, or it has expired.
    """
    with system().work(accounts.actor_of(half.account, request.remote_addr), g.request_id) as uow:
        factor = factors.prove(uow, half.account, code)
        if factor is None:
            sign_in.refused(uow, half.account.email, request.remote_addr)
            if over:
                half_way.end(uow, half.id)
            if everywhere.times >= _SUSPICIOUS:
                occasion = f"wrong codes since {everywhere.since.isoformat()}"
                accounts_service.tell_changed(uow, half.account, _WARNING, occasion=occasion)
        else:
            half_way.use(uow, half.id)
        return factor


def _page(half: PendingSignIn, form: SecondForm, error: str | None = None) -> str:
    with system_work() as uow:
        has = held.of(uow.session, half.account_id)
    return render_template("auth/second.html", form=form, has=has, error=error)
