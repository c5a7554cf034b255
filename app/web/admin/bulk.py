"""Inviting many people from a list: looked at first, and done only as it was shown."""

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import FileField, TextAreaField

from app.domain import people_csv
from app.domain.errors import InvalidInputError, StateConflictError
from app.domain.people_csv import Row
from app.domain.policy import Permission
from app.queries import accounts
from app.services import people_import, sign_in
from app.web.access import requires
from app.web.admin.blueprint import blueprint
from app.web.context import work


class ListForm(FlaskForm):  # type: ignore[misc]
    file = FileField("A CSV file")
    text = TextAreaField("The list")


@blueprint.get("/people/import")
@requires(Permission.PERSON_MANAGE, fresh=True)
def import_form() -> ResponseReturnValue:
    """Ask for the list."""
    with work() as uow:
        kept = accounts.kept_for(uow.session, current_user.session_id, request.path)
    return _ask(ListForm(formdata=None, data=kept))


@blueprint.post("/people/import")
@requires(Permission.PERSON_MANAGE, fresh=True, keeps=("text",))
def import_people() -> ResponseReturnValue:
    """Show what is in the list and what is wrong with it; once that was confirmed, invite them all.

    What is confirmed is the list as it was shown: it comes back whole, and is looked at again.
    """
    form = ListForm()
    error: str | None = None
    try:
        rows = people_csv.read(_text(form))
    except InvalidInputError as refused:
        return _ask(form, refused.message), refused.status
    if "confirmed" in request.form and not any(row.wrong for row in rows):
        try:
            with work() as uow:
                sign_in.forget_kept(uow, current_user.session_id)
                invited = people_import.invite_all(uow, rows)
            return redirect(url_for("admin.people", state="invited", done=len(invited)), code=303)
        except StateConflictError as conflict:
            error = conflict.message
    with work() as uow:
        rows = people_import.check(uow, rows)
    return _show(rows, error), InvalidInputError.status if any(row.wrong for row in rows) else 200


def _text(form: ListForm) -> str:
    """Return what was uploaded, or else typed. Raises InvalidInputError."""
    upload = request.files.get("file")
    data = upload.read() if upload else b""
    return people_csv.decode(data) if data else form.text.data or ""


def _ask(form: ListForm, error: str | None = None) -> str:
    return render_template("admin/import.html", form=form, error=error, most=people_csv.MAX_ROWS)


def _show(rows: list[Row], error: str | None) -> str:
    form = ListForm(formdata=None, data={"text": people_csv.write(rows)})
    wrong = sum(bool(row.wrong) for row in rows)
    return render_template("admin/import_preview.html", rows=rows, wrong=wrong, form=form, error=error)
