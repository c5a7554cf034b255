"""What is held back, and what staff do with it."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from flask import jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import TextAreaField

from app.domain import naming
from app.domain.errors import BadRequestError, InvalidInputError
from app.domain.lifecycle import QUARANTINED
from app.domain.policy import Permission
from app.models import Upload
from app.queries import accounts, uploads
from app.queries.terms import held_cases
from app.queries.uploads import Filters
from app.services import quarantine, removal, sign_in
from app.services.lifecycle import refuse_held
from app.services.scanning import rescans
from app.uow import UnitOfWork
from app.web.access import requires
from app.web.context import store_of, work
from app.web.errors import is_browser, wants_json
from app.web.fetching import send_salvage
from app.web.listing import as_asked, filters_of_request
from app.web.portal import labels
from app.web.portal.blueprint import blueprint
from app.web.upload_json import upload_json


class ReasonForm(FlaskForm):  # type: ignore[misc]
    reason = TextAreaField("Reason", filters=[naming.plain_text])


@blueprint.get("/quarantine")
@requires(Permission.QUARANTINE_REVIEW)
def held() -> ResponseReturnValue:
    """List what is held back, newest first; JSON for who asks for it."""
    with work() as uow:
        page = uploads.page(uow.session, uow.actor, _filters(), request.args.get("cursor"))
        organisations = uploads.organisations(uow.session, uow.actor)
        by_case = held_cases(uow.session, page.items)
    if wants_json():
        items = [upload_json(upload, by_case.get(upload.id)) for upload in page.items]
        return jsonify(items=items, next_cursor=page.next_cursor)
    return render_template(
        "quarantine/list.html",
        page=page,
        **as_asked("q", "state", "organisation", "case"),
        organisations=organisations,
        kinds=[(state.value, label) for state, label in labels.LABELS.items() if state in QUARANTINED],
    )


def _filters() -> Filters:
    filters = filters_of_request()
    if not set(filters.states) <= QUARANTINED:
        raise BadRequestError(f"state is one of {', '.join(sorted(QUARANTINED))}.")
    return replace(filters, states=filters.states or tuple(sorted(QUARANTINED)))


@blueprint.get("/quarantine/<uuid:upload_id>/release")
@requires(Permission.QUARANTINE_RELEASE, fresh=True)
def release_form(upload_id: UUID) -> ResponseReturnValue:
    """Ask why; what was typed before the person had to prove who they are stands there."""
    with work() as uow:
        upload = uploads.get(uow.session, uow.actor, upload_id)
        quarantine.check_releasable(upload)
        kept = accounts.kept_for(uow.session, current_user.session_id, request.path)
    form = ReasonForm(formdata=None, data=kept)
    return render_template("quarantine/release.html", upload=upload, form=form)


@blueprint.post("/quarantine/<uuid:upload_id>/release")
@requires(Permission.QUARANTINE_RELEASE, fresh=True, keeps=("reason",))
def release(upload_id: UUID) -> ResponseReturnValue:
    """Let staff fetch a bundle that could not be checked completely."""

    def act(uow: UnitOfWork, upload_id: UUID, reason: str | None) -> Upload:
        sign_in.forget_kept(uow, current_user.session_id)
        return quarantine.release(uow, upload_id, reason)

    return _with_reason(upload_id, act, "quarantine/release.html")


@blueprint.post("/quarantine/<uuid:upload_id>/withdraw")
@requires(Permission.QUARANTINE_RELEASE)
def withdraw(upload_id: UUID) -> ResponseReturnValue:
    """Take a release back."""
    with work() as uow:
        upload = quarantine.withdraw(uow, upload_id)
    return _done(upload)


@blueprint.post("/quarantine/<uuid:upload_id>/rescan")
@requires(Permission.QUARANTINE_REVIEW)
def rescan(upload_id: UUID) -> ResponseReturnValue:
    """Have a bundle with a verdict checked again."""
    with work() as uow:
        upload = rescans.ask(uow, upload_id)
    return _done(upload)


@blueprint.get("/quarantine/<uuid:upload_id>/clean-members")
@requires(Permission.QUARANTINE_REVIEW)
def clean_members(upload_id: UUID) -> ResponseReturnValue:
    """Send an infected bundle without what is infected in it, as a tar."""
    return send_salvage(upload_id)


@blueprint.get("/quarantine/<uuid:upload_id>/delete")
@requires(Permission.QUARANTINE_REVIEW, fresh=True)
def discard_form(upload_id: UUID) -> ResponseReturnValue:
    """Ask why a held bundle is to be deleted."""
    with work() as uow:
        upload = uploads.get(uow.session, uow.actor, upload_id)
        kept = accounts.kept_for(uow.session, current_user.session_id, request.path)
        quarantine.check_held(upload)
        refuse_held(uow, upload, "deleted", lock=False)
    form = ReasonForm(formdata=None, data=kept)
    return render_template("quarantine/delete.html", upload=upload, form=form)


@blueprint.post("/quarantine/<uuid:upload_id>/delete")
@requires(Permission.QUARANTINE_REVIEW, fresh=True, keeps=("reason",))
def discard(upload_id: UUID) -> ResponseReturnValue:
    """Delete the bytes of a held bundle; the row stays as a tombstone."""

    def act(uow: UnitOfWork, upload_id: UUID, reason: str | None) -> Upload:
        sign_in.forget_kept(uow, current_user.session_id)
        return quarantine.delete(uow, upload_id, reason)

    return _with_reason(upload_id, act, "quarantine/delete.html", then=_remove)


def _remove(upload: Upload) -> None:
    removal.remove_bytes(store_of(upload), upload)


def _with_reason(
    upload_id: UUID,
    act: Callable[[UnitOfWork, UUID, str | None], Upload],
    template: str,
    then: Callable[[Upload], None] = lambda _upload: None,
) -> ResponseReturnValue:
    """Do what the form asks for; show it again, with what was typed, if the reason is none."""
    form = ReasonForm()
    try:
        with work() as uow:
            upload = act(uow, upload_id, form.reason.data)
    except InvalidInputError as error:
        if not is_browser():
            raise
        with work() as uow:
            upload = uploads.get(uow.session, uow.actor, upload_id)
        form.reason.errors = [error.message]
        return render_template(template, upload=upload, form=form), error.status
    then(upload)
    return _done(upload)


def _done(upload: Upload) -> ResponseReturnValue:
    if wants_json():
        return jsonify(upload_json(upload))
    return redirect(url_for("portal.file", upload_id=upload.id), code=303)
