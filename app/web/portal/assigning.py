"""Whose work a bundle is: take it, hand it over, give it back."""

from typing import Any, Final
from uuid import UUID

from flask import jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.domain.errors import InvalidInputError
from app.domain.policy import Permission
from app.models import Upload
from app.queries import inbox, uploads
from app.queries.inbox import Tab
from app.services import assigning, sights
from app.uow import UnitOfWork
from app.web.access import requires
from app.web.context import work
from app.web.errors import is_browser, wants_json
from app.web.portal.blueprint import blueprint
from app.web.upload_json import upload_json

_SEEN_BY: Final = 5  # people


def opened_by_person() -> bool:
    """Whether a page is opened at a browser, not by a program."""
    return bool(current_user.session_id and request.method == "GET" and not wants_json())


def work_on(uow: UnitOfWork, upload: Upload) -> dict[str, Any]:
    """Note that a person opens an upload's page; return what the page says of whose work it is."""
    if opened_by_person():
        sights.note(uow, upload)
    if not uow.actor.may(Permission.UPLOAD_ASSIGN):
        return {"assignable": False}
    return {
        "assignable": assigning.may_be_assigned(upload),
        "seen_by": inbox.last_seen_by(uow.session, uow.actor, upload, _SEEN_BY),
        "staff": inbox.staff(uow.session, uow.actor),
    }


@blueprint.post("/files/<uuid:upload_id>/take")
@requires(Permission.UPLOAD_ASSIGN)
def take(upload_id: UUID) -> ResponseReturnValue:
    """Make it the work of whoever asks."""
    with work() as uow:
        upload = assigning.take(uow, upload_id)
    return _done(upload)


@blueprint.get("/files/<uuid:upload_id>/hand-over")
@requires(Permission.UPLOAD_ASSIGN)
def hand_over_form(upload_id: UUID) -> ResponseReturnValue:
    """Ask who shall have it."""
    return _ask(upload_id)


@blueprint.post("/files/<uuid:upload_id>/hand-over")
@requires(Permission.UPLOAD_ASSIGN)
def hand_over(upload_id: UUID) -> ResponseReturnValue:
    """Make it somebody's work; show the form again, with what was typed, if that will not do."""
    form = request.form
    try:
        with work() as uow:
            upload = assigning.hand_over(
                uow, upload_id, form.get("to"), form.get("note"), was=form.get("was")
            )
    except InvalidInputError as error:
        if not is_browser():
            raise
        return _ask(upload_id, error.message), error.status
    return _done(upload)


@blueprint.post("/files/<uuid:upload_id>/give-back")
@requires(Permission.UPLOAD_ASSIGN)
def give_back(upload_id: UUID) -> ResponseReturnValue:
    """Make it nobody's work."""
    with work() as uow:
        upload = assigning.give_back(uow, upload_id, was=request.form.get("was"))
    return _done(upload)


def _ask(upload_id: UUID, error: str | None = None) -> str:
    with work() as uow:
        upload = uploads.get(uow.session, uow.actor, upload_id)
        assigning.check_assignable(upload)
        staff = inbox.staff(uow.session, uow.actor)
    return render_template(
        "portal/hand_over.html",
        upload=upload,
        staff=staff,
        error=error,
        typed=request.form,
        back=request.values.get("back"),
    )


def _done(upload: Upload) -> ResponseReturnValue:
    if wants_json():
        return jsonify(upload_json(upload))
    back = request.form.get("back")
    if back in set(Tab):
        return redirect(url_for("portal.inbox", tab=back), code=303)
    return redirect(url_for("portal.file", upload_id=upload.id), code=303)
