"""The list, one upload, its receipt, and deleting it."""

from collections.abc import Callable
from uuid import UUID

from flask import jsonify, render_template, request
from flask.typing import ResponseReturnValue

from app.domain.errors import ForbiddenError, StateConflictError
from app.domain.lifecycle import QUARANTINED, STORED, UploadState
from app.domain.policy import Actor, Permission
from app.domain.receipt import checksum_line
from app.models import Upload
from app.queries import audit, cases, terms, uploads
from app.services import downloads, expiry, removal
from app.services.downloads import Leave
from app.web.access import requires
from app.web.context import actor, system, work
from app.web.errors import wants_json
from app.web.listing import as_asked, filters_of_request
from app.web.portal import labels
from app.web.portal.assigning import work_on
from app.web.portal.blueprint import blueprint
from app.web.receipt_json import receipt_json
from app.web.upload_json import upload_json

_LATELY = 60  # lines of an upload's history on its page


@blueprint.get("/files")
@requires(Permission.UPLOAD_READ)
def files() -> ResponseReturnValue:
    """List uploads, newest first; JSON for who asks for it, a fragment for htmx."""
    return render_list()


def render_list() -> ResponseReturnValue:
    """Render the list that the request's address asks for."""
    with work() as uow:
        page = uploads.page(uow.session, uow.actor, filters_of_request(), request.args.get("cursor"))
        organisations = uploads.organisations(uow.session, uow.actor)
        held = terms.held_cases(uow.session, page.items)
    if wants_json():
        items = [upload_json(upload, held.get(upload.id)) for upload in page.items]
        return jsonify(items=items, next_cursor=page.next_cursor)
    return render_template(
        "portal/_file_list.html" if "HX-Request" in request.headers else "portal/files.html",
        page=page,
        **as_asked("q", "state", "organisation", "case"),
        organisations=organisations,
        held=held,
        states=labels.choices(),
        pending=any(not upload.settled for upload in page.items),
    )


@blueprint.get("/files/<uuid:upload_id>")
@requires(Permission.UPLOAD_READ)
def file(upload_id: UUID) -> ResponseReturnValue:
    """Show one upload: what it is, its history, what the scan said."""
    with work() as uow:
        upload = uploads.get(uow.session, uow.actor, upload_id)
        history = audit.history(uow.session, uow.actor, upload, _LATELY)
        case = cases.of_upload(uow.session, upload)
        whose_work = work_on(uow, upload)
    on_hold = bool(upload.held_at or (case and case.held_at))
    if wants_json():
        return jsonify(upload_json(upload, case))
    return render_template(
        "portal/_file_status.html" if "HX-Request" in request.headers else "portal/file.html",
        upload=upload,
        case=case,
        history=history,
        may_download=_granted(downloads.grant_all, upload),
        may_salvage=_granted(downloads.grant_clean_members, upload),
        may_review=actor().may(Permission.QUARANTINE_REVIEW),
        may_delete=upload.state not in {UploadState.DELETED, *QUARANTINED}
        and not on_hold
        and actor().may(Permission.UPLOAD_DELETE),
        may_keep=upload.state in STORED and actor().may(Permission.UPLOAD_KEEP),
        on_hold=on_hold,
        held=upload.state in QUARANTINED,
        may_withdraw=not on_hold and _may_withdraw(upload),
        kept_until=expiry.ends_at(upload, system().settings),
        busy=not upload.settled or upload.rescan_asked_at is not None,
        **whose_work,
    )


def _granted(grant: Callable[[Actor, Upload], Leave], upload: Upload) -> bool:
    """Whether whoever asks would be given leave to fetch it so."""
    try:
        grant(actor(), upload)
    except (ForbiddenError, StateConflictError):
        return False
    return actor().may(Permission.UPLOAD_DOWNLOAD)


def _may_withdraw(upload: Upload) -> bool:
    """Whether whoever asks sent it, and could take it back now."""
    try:
        removal.check_withdrawable(actor(), upload)
    except (ForbiddenError, StateConflictError):
        return False
    return actor().may(Permission.UPLOAD_WITHDRAW)


@blueprint.get("/files/<uuid:upload_id>/receipt")
@requires(Permission.UPLOAD_READ)
def receipt(upload_id: UUID) -> ResponseReturnValue:
    """Show what the sender may keep as proof of what arrived."""
    with work() as uow:
        upload = uploads.get(uow.session, uow.actor, upload_id)
        case = cases.of_upload(uow.session, upload)
    if wants_json():
        return jsonify(receipt_json(upload))
    gone = upload.state is UploadState.DELETED
    line = checksum_line(upload.sha256, upload.filename) if upload.sha256 and not gone else None
    return render_template("portal/receipt.html", upload=upload, kept_case=case, checksum_line=line)
