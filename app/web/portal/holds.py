"""Legal hold, on a bundle or on a case: put on, and taken off."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.domain.errors import InvalidInputError
from app.domain.policy import Permission
from app.models import Case, Upload
from app.queries import accounts, cases, uploads
from app.queries.retention import without_hold
from app.services import holding, sign_in
from app.uow import UnitOfWork
from app.web.access import requires
from app.web.context import work
from app.web.errors import is_browser
from app.web.fields import ReasonForm
from app.web.portal.blueprint import blueprint
from app.web.portal.keeping import back_to


@dataclass(frozen=True, slots=True)
class _Hold:
    """A hold put on, or taken off, a bundle or a case."""

    find: Callable[[UnitOfWork, UUID], Upload | Case]
    act: Callable[[UnitOfWork, UUID, str | None], Upload | Case]
    ends: bool


def _upload(uow: UnitOfWork, upload_id: UUID) -> Upload:
    return uploads.get(uow.session, uow.actor, upload_id)


def _case(uow: UnitOfWork, case_id: UUID) -> Case:
    return cases.get(uow.session, uow.actor, case_id)


_HOLD: Final = _Hold(_upload, holding.hold, ends=False)
_RELEASE: Final = _Hold(_upload, holding.release, ends=True)
_HOLD_CASE: Final = _Hold(_case, holding.hold_case, ends=False)
_RELEASE_CASE: Final = _Hold(_case, holding.release_case, ends=True)


@blueprint.get("/files/<uuid:upload_id>/hold")
@requires(Permission.UPLOAD_HOLD, fresh=True)
def hold_form(upload_id: UUID) -> ResponseReturnValue:
    """Ask why a bundle is to be held."""
    return _ask_hold(_HOLD, upload_id)


@blueprint.post("/files/<uuid:upload_id>/hold")
@requires(Permission.UPLOAD_HOLD, fresh=True, keeps=("reason",))
def hold(upload_id: UUID) -> ResponseReturnValue:
    """Hold a bundle: nobody deletes it."""
    return _turn(_HOLD, upload_id)


@blueprint.get("/files/<uuid:upload_id>/hold/end")
@requires(Permission.UPLOAD_HOLD, fresh=True)
def end_hold_form(upload_id: UUID) -> ResponseReturnValue:
    """Ask why a bundle is to be held no more."""
    return _ask_hold(_RELEASE, upload_id)


@blueprint.post("/files/<uuid:upload_id>/hold/end")
@requires(Permission.UPLOAD_HOLD, fresh=True, keeps=("reason",))
def end_hold(upload_id: UUID) -> ResponseReturnValue:
    """Take the hold off a bundle."""
    return _turn(_RELEASE, upload_id)


@blueprint.get("/cases/<uuid:case_id>/hold")
@requires(Permission.UPLOAD_HOLD, fresh=True)
def hold_case_form(case_id: UUID) -> ResponseReturnValue:
    """Ask why all of a case is to be held."""
    return _ask_hold(_HOLD_CASE, case_id)


@blueprint.post("/cases/<uuid:case_id>/hold")
@requires(Permission.UPLOAD_HOLD, fresh=True, keeps=("reason",))
def hold_case(case_id: UUID) -> ResponseReturnValue:
    """Hold all of a case: nobody deletes anything of it."""
    return _turn(_HOLD_CASE, case_id)


@blueprint.get("/cases/<uuid:case_id>/hold/end")
@requires(Permission.UPLOAD_HOLD, fresh=True)
def end_case_hold_form(case_id: UUID) -> ResponseReturnValue:
    """Ask why a case is to be held no more."""
    return _ask_hold(_RELEASE_CASE, case_id)


@blueprint.post("/cases/<uuid:case_id>/hold/end")
@requires(Permission.UPLOAD_HOLD, fresh=True, keeps=("reason",))
def end_case_hold(case_id: UUID) -> ResponseReturnValue:
    """Take the hold off a case."""
    return _turn(_RELEASE_CASE, case_id)


def _ask_hold(which: _Hold, of: UUID, form: ReasonForm | None = None) -> str:
    with work() as uow:
        found = which.find(uow, of)
        then = without_hold(uow.session, of) if which.ends and isinstance(found, Upload) else None
        kept = accounts.kept_for(uow.session, current_user.session_id, request.path)
    form = form or ReasonForm(formdata=None, data=kept)
    upload = found if isinstance(found, Upload) else None
    case = found if isinstance(found, Case) else None
    return render_template(
        "portal/hold.html", upload=upload, case=case, ends=which.ends, then=then, form=form
    )


def _turn(which: _Hold, of: UUID) -> ResponseReturnValue:
    form = ReasonForm()
    try:
        with work() as uow:
            sign_in.forget_kept(uow, current_user.session_id)
            return back_to(which.act(uow, of, form.reason.data))
    except InvalidInputError as error:
        if not is_browser():
            raise
        form.reason.errors = [error.message]
        return _ask_hold(which, of, form), error.status
