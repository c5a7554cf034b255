"""What somebody was told in the portal: the list, the bell's figure, and reading them."""

from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from flask import Response, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.domain.errors import BadRequestError
from app.domain.events import Event
from app.domain.headlines import headline
from app.domain.policy import Permission, Role
from app.models import EventRecord, Notice
from app.queries import notices as notices_query
from app.services import sights
from app.web.access import requires
from app.web.context import actor, work
from app.web.listing import as_asked
from app.web.portal.blueprint import blueprint


@dataclass(frozen=True, slots=True)
class Line:
    """A notice in words. ``said`` is what somebody of the staff wrote, for others of the staff."""

    notice: Notice
    event: Event
    words: str
    address: str | None
    by: str | None = None
    said: str | None = None


@blueprint.get("/notices", endpoint="notices")
@requires(Permission.ACCOUNT_OWN)
def list_notices() -> ResponseReturnValue:
    """List what the person was told, newest first; a fragment for htmx."""
    with work() as uow:
        page = notices_query.page(uow.session, uow.actor, request.args.get("cursor"))
        unread = notices_query.unread(uow.session, uow.actor)
    return render_template(
        "portal/_notice_list.html" if "HX-Request" in request.headers else "portal/notices.html",
        page=page,
        lines=[_line(notice) for notice in page.items],
        unread=unread,
        **as_asked(),
    )


@blueprint.get("/notices/unread")
@requires(Permission.ACCOUNT_OWN, unattended=True)
def unread_notices() -> ResponseReturnValue:
    """Say how many are unread, 100 at most, and the newest of them; 304 if that is known already."""
    with work() as uow:
        unread = notices_query.unread(uow.session, uow.actor)
    newest = unread.newest
    line = _line(newest) if newest else None
    response: Response = jsonify(
        unread=unread.count,
        newest=line
        and {
            "id": str(line.notice.id),
            "at": line.notice.created_at.timestamp(),
            "words": line.words,
            "url": line.address,
        },
    )
    response.set_etag(sha256(f"{actor().id}{response.get_data(as_text=True)}".encode()).hexdigest()[:32])
    return response.make_conditional(request)


@blueprint.post("/notices/<uuid:notice_id>/read")
@requires(Permission.ACCOUNT_OWN)
def read_notice(notice_id: UUID) -> ResponseReturnValue:
    """Mark one as read."""
    with work() as uow:
        sights.read(uow, notice_id)
    return redirect(url_for("portal.notices"), code=303)


@blueprint.post("/notices/read")
@requires(Permission.ACCOUNT_OWN)
def read_notices() -> ResponseReturnValue:
    """Mark all as read, but for those that came after the page was shown (``until``)."""
    try:
        until = UUID(request.form["until"]) if request.form.get("until") else None
    except ValueError as error:
        raise BadRequestError("This page is damaged. Reload it and try again.") from error
    with work() as uow:
        sights.read_all(uow, until)
    return redirect(url_for("portal.notices"), code=303)


def _line(notice: Notice) -> Line:
    staff, record = actor().sees_all, notice.record
    words = headline(record.event, record.payload, staff=staff)
    told = record.told if staff and record.event is Event.UPLOAD_ASSIGNED else {}
    return Line(notice, record.event, words, _address(record), told.get("by"), told.get("note"))


def _address(record: EventRecord) -> str | None:
    """Return where the reader sees what it is about; None where there is no such page."""
    if upload_id := record.upload_id or record.payload.get("upload"):
        return url_for("portal.file", upload_id=upload_id)
    if record.case_id:
        return url_for("portal.case", case_id=record.case_id)
    if record.event in {Event.ACCOUNT_NEW_DEVICE, Event.ACCOUNT_CHANGED}:
        return url_for("account.page")
    if actor().role is not Role.ADMIN:
        return None
    if record.event is Event.QUOTA_NEAR and record.organisation_id:
        return url_for("admin.organisation", organisation_id=record.organisation_id)
    if record.event is Event.CHANNEL_PAUSED and (channel_id := record.told.get("channel")):
        return url_for("admin.channel", channel_id=channel_id)
    return url_for("admin.health")
