"""Deleting a bundle, by staff, for a reason that its sender reads."""

from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.domain.errors import InvalidInputError, StateConflictError
from app.domain.lifecycle import UploadState
from app.domain.policy import Permission
from app.models import Upload
from app.queries import accounts, uploads
from app.services import removal, sign_in
from app.services.lifecycle import refuse_held
from app.web.access import requires
from app.web.context import store_of, work
from app.web.errors import is_browser
from app.web.fields import ReasonForm
from app.web.portal.blueprint import blueprint


@blueprint.get("/files/<uuid:upload_id>/delete")
@requires(Permission.UPLOAD_DELETE, fresh=True)
def delete_form(upload_id: UUID) -> ResponseReturnValue:
    """Ask why; what was typed before the person had to prove who they are stands there."""
    with work() as uow:
        kept = accounts.kept_for(uow.session, current_user.session_id, request.path)
    return _ask(upload_id, ReasonForm(formdata=None, data=kept))


@blueprint.post("/files/<uuid:upload_id>/delete")
@requires(Permission.UPLOAD_DELETE, fresh=True, keeps=("reason",))
def delete(upload_id: UUID) -> ResponseReturnValue:
    """Delete the bytes and what says what they were; the row stays as a tombstone."""
    form = ReasonForm()
    try:
        with work() as uow:
            sign_in.forget_kept(uow, current_user.session_id)
            uploads.get(uow.session, uow.actor, upload_id)
            gone = removal.delete(uow, upload_id, removal.by_support(form.reason.data))
    except InvalidInputError as error:
        if not is_browser():
            raise
        form.reason.errors = [error.message]
        return _ask(upload_id, form), error.status
    removal.remove_bytes(store_of(gone), gone)
    return redirect(url_for("portal.file", upload_id=upload_id), code=303)


def _ask(upload_id: UUID, form: ReasonForm) -> str:
    with work() as uow:
        upload: Upload = uploads.get(uow.session, uow.actor, upload_id)
        if upload.state is UploadState.DELETED:
            raise StateConflictError("This bundle is deleted already.", state=upload.state)
        refuse_held(uow, upload, "deleted", lock=False)
    return render_template("portal/delete.html", upload=upload, form=form)
