"""What the pages behind mailed links share: who follows one, choosing a password, and the end of a link.

GET changes nothing: programs that look for bad links in mails follow every one of them.
"""

from contextlib import AbstractContextManager
from http import HTTPStatus

from flask import g, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import PasswordField
from wtforms.validators import EqualTo, InputRequired

from app.domain.errors import GoneError, InvalidInputError
from app.domain.factors import LinkPurpose
from app.models import Account
from app.queries import accounts
from app.services import links
from app.uow import UnitOfWork
from app.web.context import system, system_work
from app.web.errors import is_browser


class NewPasswordForm(FlaskForm):  # type: ignore[misc]
    password = PasswordField("New password", validators=[InputRequired("Choose a password.")])
    again = PasswordField(
        "The same once more", validators=[EqualTo("password", "That is not the same as above.")]
    )

    def complain(self, error: InvalidInputError) -> None:
        """Show why the password will not do."""
        self.password.errors = [*self.password.errors, error.message]


def holder(token: str, purpose: LinkPurpose) -> Account:
    """Return whose link it is. Raises GoneError."""
    with system_work() as uow:
        return links.holder(uow, token, purpose)


def work_of(account: Account) -> AbstractContextManager[UnitOfWork]:
    """Open a unit of work as the account whose link was followed."""
    person = accounts.actor_of(account, request.remote_addr, means="mailed link")
    return system().work(person, g.request_id)


def gone(error: GoneError, purpose: LinkPurpose) -> ResponseReturnValue:
    """Say that the link is good no more, and what to do; raises the error for programs."""
    if not is_browser():
        raise error
    return render_template("auth/link_gone.html", purpose=purpose, message=error.message), HTTPStatus.GONE
