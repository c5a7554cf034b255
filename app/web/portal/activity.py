"""Who did what with one upload, for staff."""

from uuid import UUID

from flask import render_template, request
from flask.typing import ResponseReturnValue

from app.domain.policy import Permission
from app.queries import audit, uploads
from app.queries.audit import Filters
from app.web.access import requires
from app.web.context import work
from app.web.portal.blueprint import blueprint

_MOST = 200  # people who fetched it


@blueprint.get("/files/<uuid:upload_id>/activity")
@requires(Permission.ACTIVITY_READ)
def activity(upload_id: UUID) -> ResponseReturnValue:
    """Show who has fetched an upload, and all that was ever done with it."""
    cursor = request.args.get("cursor")
    with work() as uow:
        upload = uploads.get(uow.session, uow.actor, upload_id)
        page = audit.page(uow.session, uow.actor, Filters(upload_id=upload_id), cursor)
        takers = audit.fetched_by(uow.session, uow.actor, upload, _MOST)
    return render_template(
        "portal/activity.html", upload=upload, page=page, takers=takers, first=cursor is None, most=_MOST
    )
