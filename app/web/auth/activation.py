"""Following an invitation: choosing how to sign in, for the first time."""

from http import HTTPStatus

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.domain.errors import GoneError, InvalidInputError
from app.domain.factors import Factor, LinkPurpose
from app.models import Account
from app.services import accounts, links
from app.web.access import public
from app.web.auth.blueprint import blueprint
from app.web.auth.entering import enter, proved
from app.web.auth.link_pages import NewPasswordForm, gone, holder, work_of
from app.web.context import system


@blueprint.get("/activate/<token>", endpoint="activate")
@public
def show_invitation(token: str) -> ResponseReturnValue:
    """Ask whoever was invited for a password."""
    try:
        account = holder(token, LinkPurpose.INVITATION)
    except GoneError as error:
        return gone(error, LinkPurpose.INVITATION)
    return _page(token, account, NewPasswordForm(formdata=None))


@blueprint.post("/activate/<token>")
@public
def accept_invitation(token: str) -> ResponseReturnValue:
    """Take the password, use the link up, and let its holder in; or, without one, to make a passkey."""
    form = NewPasswordForm()
    by_passkey = request.form.get("how") == "passkey"
    try:
        account = holder(token, LinkPurpose.INVITATION)
        if not by_passkey and not form.validate_on_submit():
            return _page(token, account, form), HTTPStatus.UNPROCESSABLE_ENTITY
        with work_of(account) as uow:
            account = links.use(uow, token, LinkPurpose.INVITATION)
            accounts.activate(uow, account, None if by_passkey else form.password.data)
    except GoneError as error:
        return gone(error, LinkPurpose.INVITATION)
    except InvalidInputError as error:
        form.complain(error)
        return _page(token, account, form), HTTPStatus.UNPROCESSABLE_ENTITY
    if by_passkey:
        return enter(account, [], url_for("account.passkey_form"))
    return proved(account, Factor.PASSWORD, None)


def _page(token: str, account: Account, form: NewPasswordForm) -> str:
    return render_template(
        "auth/activate.html",
        token=token,
        account=account,
        form=form,
        with_password=accounts.may_have_password(system().settings, account.role),
    )
