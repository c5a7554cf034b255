"""Another mail address for somebody."""

from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import StringField

from app.domain.errors import InvalidInputError, StateConflictError
from app.domain.policy import Permission
from app.queries import accounts
from app.queries import people as people_query
from app.services import mail_address, sign_in
from app.web.access import requires
from app.web.admin.blueprint import blueprint
from app.web.context import work


class MailForm(FlaskForm):  # type: ignore[misc]
    email = StringField("New mail address")


@blueprint.get("/people/<uuid:account_id>/mail-address")
@requires(Permission.PERSON_MANAGE, fresh=True)
def mail_form(account_id: UUID) -> ResponseReturnValue:
    """Ask for the address."""
    with work() as uow:
        kept = accounts.kept_for(uow.session, current_user.session_id, request.path)
    return _ask(account_id, MailForm(formdata=None, data=kept))


@blueprint.post("/people/<uuid:account_id>/mail-address")
@requires(Permission.PERSON_MANAGE, fresh=True, keeps=("email",))
def change_mail(account_id: UUID) -> ResponseReturnValue:
    """Change it; show the form again, with what was typed, if it will not do."""
    form = MailForm()
    try:
        with work() as uow:
            sign_in.forget_kept(uow, current_user.session_id)
            mail_address.change(uow, account_id, form.email.data or "")
    except (InvalidInputError, StateConflictError) as error:
        form.email.errors = [error.message]
        return _ask(account_id, form), error.status
    return redirect(url_for("admin.person", account_id=account_id, done="mail-address"), code=303)


def _ask(account_id: UUID, form: MailForm) -> str:
    with work() as uow:
        found = people_query.get(uow.session, uow.actor, account_id)
    return render_template("admin/person_mail.html", person=found, form=form)
