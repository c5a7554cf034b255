"""The whole trail: to look through, and to take away."""

import ipaddress
import json
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any, Final
from uuid import UUID

from flask import Response, render_template, request, stream_with_context
from flask.typing import ResponseReturnValue

from app.domain.errors import BadRequestError
from app.domain.policy import Permission
from app.queries import audit, audit_chain, uploads
from app.queries.audit import Filters, Page
from app.queries.audit_names import Named
from app.services import audit as trail
from app.web.access import requires
from app.web.admin.blueprint import blueprint
from app.web.context import work
from app.web.csv_answer import csv_answer, every
from app.web.days import days_of_request
from app.web.deeds import GROUPS, actions_of, deed
from app.web.listing import as_asked

#: Most rows of one export; dates narrow it to what is wanted.
MOST: Final = 100_000
_AT_ONCE = 1_000  # rows of a unit of work
_NAMES = ("action", "person", "organisation", "upload", "address", "request", "from", "to")
_COLUMNS = (
    "id", "at", "action", "words", "who", "role", "on_behalf_of", "means", "address", "request_id",
    "organisation", "upload_id", "file", "person", "detail",
)  # fmt: skip


@blueprint.get("/audit", endpoint="audit")
@requires(Permission.AUDIT_READ)
def show() -> ResponseReturnValue:
    """List what everybody did, newest first."""
    filters = _filters_of_request()
    with work() as uow:
        page = audit.page(uow.session, uow.actor, filters, request.args.get("cursor"))
        organisations = uploads.organisations(uow.session, uow.actor)
        head, anchored_at = audit_chain.head(uow.session), audit_chain.anchored_at(uow.session)
    return render_template(
        "admin/audit.html",
        page=page,
        **as_asked(*_NAMES),
        organisations=organisations,
        groups=GROUPS,
        head=head,
        anchored_at=anchored_at,
        most=MOST,
    )


@blueprint.get("/audit.csv")
@requires(Permission.AUDIT_READ, fresh=True)
def audit_csv() -> ResponseReturnValue:
    """Send what the filters leave as a spreadsheet."""
    rows = _export("csv")
    return csv_answer("audit.csv", _COLUMNS, (list(_flat(one).values()) for one in rows))


@blueprint.get("/audit.json")
@requires(Permission.AUDIT_READ, fresh=True)
def audit_json() -> ResponseReturnValue:
    """Send what the filters leave as JSON: an object with a list of rows, newest first."""
    response = Response(stream_with_context(_as_json(_export("json"))), mimetype="application/json")
    response.headers["Content-Disposition"] = 'attachment; filename="audit.json"'
    return response


def _export(kind: str) -> Iterator[Named]:
    """Return the rows that the filters leave, to be read while they are sent; who takes them is noted."""
    filters = _filters_of_request()
    _page_after(filters, None)  # what cannot be asked is told before anything is sent
    if request.method == "GET":
        asked = {name: value for name in _NAMES if (value := request.args.get(name))}
        with work() as uow:
            trail.record(uow, "audit.exported", format=kind, filters=asked or None)
    return islice(every(lambda cursor: _page_after(filters, cursor)), MOST)


def _page_after(filters: Filters, cursor: str | None) -> Page:
    with work() as uow:
        return audit.page(uow.session, uow.actor, filters, cursor, _AT_ONCE)


def _as_json(rows: Iterator[Named]) -> Iterator[str]:
    yield '{"items": ['
    for number, one in enumerate(rows):
        yield (",\n" if number else "\n") + json.dumps(
            _flat(one) | {"detail": one.row.detail}, default=_plain
        )
    yield "\n]}\n"


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _flat(one: Named) -> dict[str, Any]:
    row = one.row
    values = (
        row.id, row.at, row.action, deed(row.action), one.who, row.actor_role, row.on_behalf_of, row.means,
        row.address, row.request_id, one.organisation, row.upload_id, one.filename, one.person,
        json.dumps(row.detail, ensure_ascii=False),
    )  # fmt: skip
    return dict(zip(_COLUMNS, values, strict=True))


def _filters_of_request() -> Filters:
    """Read what the trail is narrowed to. Raises BadRequestError."""
    since, until = days_of_request()
    upload = _text("upload")
    try:
        upload_id = UUID(upload) if upload else None
    except ValueError as error:
        raise BadRequestError(
            "The number of a bundle has 32 hex digits, as it stands on its page."
        ) from error
    return Filters(
        actions=actions_of(_text("action")),
        person=_text("person"),
        organisation=_text("organisation"),
        upload_id=upload_id,
        address=_address(_text("address")),
        request_id=_text("request"),
        since=since,
        until=until,
    )


def _address(said: str) -> str:
    """Return a network address as the trail has it; a text that is none stays as it is, and finds nothing."""
    try:
        return str(ipaddress.ip_address(said))
    except ValueError:
        return said


def _text(name: str) -> str:
    return request.args.get(name, "").replace("\x00", "").strip()[:254]
