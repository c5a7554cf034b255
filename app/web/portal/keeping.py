"""How long bundles are kept: one of them longer, and those of a case."""

from datetime import date, datetime, time, timedelta
from uuid import UUID

from flask import jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import DateField, SelectField, StringField, TextAreaField

from app.domain.errors import InvalidInputError
from app.domain.organisations import clean_retention
from app.domain.policy import Permission
from app.domain.retention import Policy, RetentionSince, clean_since
from app.models import Case, Upload
from app.queries import accounts, cases, uploads
from app.services import retention, sign_in
from app.web.access import requires
from app.web.case_json import case_json
from app.web.context import work
from app.web.errors import is_browser, wants_json
from app.web.fields import SINCE
from app.web.portal.blueprint import blueprint
from app.web.upload_json import upload_json
from app.web.wording import manner


class KeepForm(FlaskForm):  # type: ignore[misc]
    until = DateField("Keep it at least until the end of")
    reason = TextAreaField()


class RetentionForm(FlaskForm):  # type: ignore[misc]
    days = StringField("Keep its bundles for")
    since = SelectField("Counted from", choices=SINCE, validate_choice=False)


@blueprint.get("/files/<uuid:upload_id>/keep")
@requires(Permission.UPLOAD_KEEP)
def keep_form(upload_id: UUID) -> ResponseReturnValue:
    """Ask until when a bundle is to be kept, and why."""
    with work() as uow:
        upload = uploads.get(uow.session, uow.actor, upload_id)
    until = upload.kept_until and (upload.kept_until - timedelta(seconds=1)).astimezone(manner().zone).date()
    return _ask_keep(upload, KeepForm(formdata=None, data={"until": until}))


@blueprint.post("/files/<uuid:upload_id>/keep")
@requires(Permission.UPLOAD_KEEP)
def keep(upload_id: UUID) -> ResponseReturnValue:
    """Keep a bundle at least until the end of a day; with none, as long as was agreed."""
    form = KeepForm()
    try:
        with work() as uow:
            return back_to(
                retention.keep(uow, upload_id, _end_of(request.form.get("until")), form.reason.data)
            )
    except InvalidInputError as error:
        if not is_browser():
            raise
        with work() as uow:
            upload = uploads.get(uow.session, uow.actor, upload_id)
        return _ask_keep(upload, form, error.message), error.status


def _ask_keep(upload: Upload, form: KeepForm, error: str | None = None) -> str:
    with work() as uow:
        case = cases.of_upload(uow.session, upload)
    return render_template("portal/keep.html", upload=upload, case=case, form=form, error=error)


def _end_of(typed: str | None) -> datetime | None:
    """Return when a day has ended where the reader lives. Raises InvalidInputError: it is none."""
    if not typed:
        return None
    try:
        after = date.fromisoformat(typed) + timedelta(days=1)
        return datetime.combine(after, time(), manner().zone)
    except (ValueError, OverflowError) as error:
        raise InvalidInputError("Write the day as in 2026-11-21.") from error


@blueprint.get("/cases/<uuid:case_id>/retention")
@requires(Permission.CASE_MANAGE, fresh=True)
def case_retention_form(case_id: UUID) -> ResponseReturnValue:
    """Ask how long a case's bundles are to be kept."""
    with work() as uow:
        case = cases.get(uow.session, uow.actor, case_id)
        kept = accounts.kept_for(uow.session, current_user.session_id, request.path)
    stands = {"days": case.retention_days, "since": case.retention_since or RetentionSince.RECEIVED}
    return _ask_retention(case, RetentionForm(formdata=None, data=stands | kept))


@blueprint.post("/cases/<uuid:case_id>/retention")
@requires(Permission.CASE_MANAGE, fresh=True, keeps=("days", "since"))
def case_retention(case_id: UUID) -> ResponseReturnValue:
    """Keep a case's bundles for so long; with no number, as the organisation's are."""
    form = RetentionForm()
    try:
        with work() as uow:
            sign_in.forget_kept(uow, current_user.session_id)
            days = clean_retention(form.days.data, "to keep them as long as the organisation's others")
            policy = Policy(days, clean_since(form.since.data))
            return back_to(retention.set_for_case(uow, case_id, policy))
    except InvalidInputError as error:
        if not is_browser():
            raise
        with work() as uow:
            case = cases.get(uow.session, uow.actor, case_id)
        form.days.errors = [error.message]
        return _ask_retention(case, form), error.status


def _ask_retention(case: Case, form: RetentionForm) -> str:
    return render_template("cases/retention.html", case=case, form=form)


def back_to(found: Upload | Case) -> ResponseReturnValue:
    """Lead to the page of what was changed; its document for who asks for that."""
    if isinstance(found, Case):
        if wants_json():
            return jsonify(case_json(found))
        return redirect(url_for("portal.case", case_id=found.id), code=303)
    if wants_json():
        with work() as uow:
            return jsonify(upload_json(found, cases.of_upload(uow.session, found)))
    return redirect(url_for("portal.file", upload_id=found.id), code=303)
