"""Taking back what one has sent, as long as nobody has fetched it."""

from uuid import UUID

from flask import jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from app.domain.lifecycle import STORED
from app.domain.policy import Permission
from app.queries import uploads
from app.services import removal
from app.services.lifecycle import refuse_held
from app.web.access import requires
from app.web.context import store_of, work
from app.web.errors import wants_json
from app.web.portal.blueprint import blueprint
from app.web.upload_json import upload_json


@blueprint.get("/files/<uuid:upload_id>/withdraw")
@requires(Permission.UPLOAD_WITHDRAW)
def withdraw_form(upload_id: UUID) -> ResponseReturnValue:
    """Ask whether that is really meant."""
    with work() as uow:
        upload = uploads.get(uow.session, uow.actor, upload_id)
        removal.check_withdrawable(uow.actor, upload)
        if upload.state in STORED:
            refuse_held(uow, upload, "withdrawn", lock=False)
    return render_template("portal/withdraw.html", upload=upload)


@blueprint.post("/files/<uuid:upload_id>/withdraw")
@requires(Permission.UPLOAD_WITHDRAW)
def withdraw_upload(upload_id: UUID) -> ResponseReturnValue:
    """Take it back: the bytes go, the row stays as a tombstone."""
    with work() as uow:
        upload = removal.withdraw(uow, upload_id)
    removal.remove_bytes(store_of(upload), upload)
    if wants_json():
        return jsonify(upload_json(upload))
    return redirect(url_for("portal.file", upload_id=upload_id), code=303)
