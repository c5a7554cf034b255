"""Watching a case, and muting it, from its page."""

from uuid import UUID

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.domain.policy import Permission
from app.services import following
from app.web.access import requires
from app.web.context import work
from app.web.portal.blueprint import blueprint


@blueprint.post("/cases/<uuid:case_id>/follow")
@requires(Permission.CASE_FOLLOW)
def follow_case(case_id: UUID) -> ResponseReturnValue:
    """Watch the case, mute it, or neither, for oneself."""
    with work() as uow:
        following.follow(uow, case_id, request.form.get("follow"))
    return redirect(url_for("portal.case", case_id=case_id, _anchor="follow"), code=303)
