"""The inbox of support: what waits, what is mine, what I watch, what is anybody's."""

from typing import Final

from flask import jsonify, render_template, request
from flask.typing import ResponseReturnValue

from app.domain import naming
from app.domain.errors import BadRequestError
from app.domain.policy import Permission
from app.queries import inbox as inbox_query
from app.queries import uploads
from app.queries.inbox import MOST, InboxFilters, Tab
from app.web.access import requires
from app.web.context import work
from app.web.errors import wants_json
from app.web.listing import as_asked
from app.web.portal.blueprint import blueprint
from app.web.upload_json import upload_json

#: Of each list: its name, and what stands where it is empty.
TABS: Final[dict[Tab, tuple[str, str]]] = {
    Tab.NEW: ("New", "Nothing waits. Bundles appear here by themselves once they were checked."),
    Tab.MINE: ("Mine", "You have taken nothing yet. What you take, or somebody hands to you, is here."),
    Tab.WATCHED: ("Watched", "You watch no case with bundles. Open a case to watch it."),
    Tab.ASSIGNED: ("Assigned", "Nobody has taken anything."),
}


@blueprint.get("/inbox")
@requires(Permission.INBOX_READ)
def inbox() -> ResponseReturnValue:
    """List what support has to do; JSON for who asks for it, a fragment for htmx."""
    return render_inbox()


def render_inbox() -> ResponseReturnValue:
    """Render the list that the request's address asks for."""
    tab, filters = _tab(request.args.get("tab")), _filters()
    with work() as uow:
        page = inbox_query.page(uow.session, uow.actor, tab, filters, request.args.get("cursor"))
        counts = inbox_query.counts(uow.session, uow.actor, filters)
        organisations = uploads.organisations(uow.session, uow.actor)
    if wants_json():
        items = [upload_json(row.upload) | {"unread": row.unread} for row in page.items]
        return jsonify(tab=tab, counts=counts, items=items, next_cursor=page.next_cursor)
    return render_template(
        "portal/_inbox_list.html" if "HX-Request" in request.headers else "portal/inbox.html",
        tab=tab,
        tabs=[(each, name, _spoken(counts[each])) for each, (name, _) in TABS.items()],
        nothing=TABS[tab][1],
        page=page,
        **as_asked("tab", "organisation", "case"),
        organisations=organisations,
    )


def _tab(asked: str | None) -> Tab:
    try:
        return Tab(asked) if asked else Tab.NEW
    except ValueError as error:
        raise BadRequestError(f"tab is one of {', '.join(Tab)}.") from error


def _filters() -> InboxFilters:
    slug = request.args.get("organisation", "").replace("\x00", "").strip()[:200]
    return InboxFilters(slug, naming.clean_case(request.args.get("case")) or "")


def _spoken(count: int) -> str:
    return f"{MOST}+" if count > MOST else str(count)
