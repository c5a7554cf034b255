"""Choosing a new password through a link that is mailed (ASVS 6.4.3: it leads past no second factor)."""

from http import HTTPStatus

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from app.domain.errors import GoneError, InvalidInputError
from app.domain.factors import Factor, LinkPurpose
from app.services import accounts, forgotten, links, tries
from app.web.access import public
from app.web.auth.blueprint import blueprint
from app.web.auth.entering import proved
from app.web.auth.link_pages import NewPasswordForm, gone, holder, work_of
from app.web.context import system, system_work


class ResetForm(FlaskForm):  # type: ignore[misc]
    email = StringField(
        "Mail address", validators=[InputRequired("Type your mail address."), Length(max=254)]
    )


@blueprint.get("/reset", endpoint="reset")
@public
def show_reset() -> ResponseReturnValue:
    """Ask for the mail address."""
    return render_template("auth/reset.html", form=ResetForm(formdata=None))


@blueprint.post("/reset")
@public
def ask_for_reset() -> ResponseReturnValue:
    """Say that a mail goes to that address if it is anybody's; finding out is not done here (T35)."""
    form = ResetForm()
    if not form.validate_on_submit():
        return render_template("auth/reset.html", form=form), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        with system_work() as uow:
            tries.begin(uow, tries.Kind.RESET, form.email.data, request.remote_addr)
            forgotten.ask(uow, form.email.data, request.remote_addr)
    except InvalidInputError as error:
        form.email.errors = [error.message]
        return render_template("auth/reset.html", form=form), HTTPStatus.UNPROCESSABLE_ENTITY
    lasts = system().settings.reset_lifetime
    return render_template("auth/reset_asked.html", email=form.email.data.strip(), lasts=lasts)


@blueprint.get("/reset/<token>", endpoint="new_password")
@public
def show_new_password(token: str) -> ResponseReturnValue:
    """Ask whoever followed the link for a new password."""
    try:
        account = holder(token, LinkPurpose.RESET)
    except GoneError as error:
        return gone(error, LinkPurpose.RESET)
    form = NewPasswordForm(formdata=None)
    return render_template("auth/new_password.html", token=token, account=account, form=form)


@blueprint.post("/reset/<token>")
@public
def take_new_password(token: str) -> ResponseReturnValue:
    """Take the new password, end all that the account held open, and go on as if it had been typed."""
    form = NewPasswordForm()
    try:
        account = holder(token, LinkPurpose.RESET)
        if form.validate_on_submit():
            with work_of(account) as uow:
                account = links.use(uow, token, LinkPurpose.RESET)
                accounts.set_password(uow, account, form.password.data)
            return proved(account, Factor.PASSWORD, None)
    except GoneError as error:
        return gone(error, LinkPurpose.RESET)
    except InvalidInputError as error:
        form.complain(error)
    page = render_template("auth/new_password.html", token=token, account=account, form=form)
    return page, HTTPStatus.UNPROCESSABLE_ENTITY
