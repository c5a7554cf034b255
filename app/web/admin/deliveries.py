"""Dead letters: what reached nobody, to people and to channels."""

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.domain.errors import BadRequestError
from app.domain.events import Event
from app.domain.policy import Permission
from app.queries import deliveries as deliveries_query
from app.queries.deliveries import Filters
from app.services import redelivery
from app.web.access import requires
from app.web.admin.blueprint import blueprint
from app.web.admin.channel_terms import WORDS, told
from app.web.admin.channels import delivery_of_form
from app.web.context import work
from app.web.listing import as_asked

_NAMES = ("to", "event", "recipient")
_TO = {"": None, "people": False, "channels": True}


@blueprint.get("/deliveries", endpoint="deliveries")
@requires(Permission.INTEGRATION_MANAGE)
def listed() -> ResponseReturnValue:
    """List the dead letters, the latest first."""
    with work() as uow:
        page = deliveries_query.dead(uow.session, _filters(), request.args.get("cursor"))
        channels = deliveries_query.channels_of(uow.session, page)
    return render_template(
        "admin/deliveries.html",
        page=page,
        rows=[(each, told(each)) for each in page.items],
        channels=channels,
        forgotten=redelivery.BRINGS_SECRET,
        words=WORDS,
        done=request.args.get("done") == "retry",
        **as_asked(*_NAMES),
    )


@blueprint.post("/deliveries")
@requires(Permission.INTEGRATION_MANAGE, fresh=True)
def retry_delivery() -> ResponseReturnValue:
    """Try one again."""
    delivery_id = delivery_of_form()
    with work() as uow:
        redelivery.retry(uow, delivery_id)
    return redirect(url_for("admin.deliveries", done="retry"), code=303)


def _filters() -> Filters:
    """Read what the list is narrowed to. Raises BadRequestError."""
    to, event = request.args.get("to", ""), request.args.get("event")
    if to not in _TO:
        raise BadRequestError("to is people or channels.")
    try:
        chosen = Event(event) if event else None
    except ValueError as error:
        raise BadRequestError(f"event is one of {', '.join(Event)}.") from error
    recipient = request.args.get("recipient", "").replace("\x00", "").strip()[:254]
    return Filters(channels=_TO[to], event=chosen, recipient=recipient)
