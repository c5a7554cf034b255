"""Who has fetched an organisation's bundles, for whoever manages its people."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from flask import render_template, request
from flask.typing import ResponseReturnValue

from app.domain.policy import Permission
from app.queries import audit
from app.queries.audit import FETCHED, Filters, Page
from app.queries.audit_names import Named
from app.web.access import requires
from app.web.context import work
from app.web.csv_answer import csv_answer, every
from app.web.days import days_of_request
from app.web.deeds import deed
from app.web.listing import as_asked
from app.web.portal.blueprint import blueprint

_MOST: Final = 100_000  # rows of a file
_AT_ONCE = 1_000  # rows of a unit of work
_COLUMNS: Final = ("at", "what", "who", "role", "means", "address", "file", "upload_id", "range")


@blueprint.get("/organisation/downloads")
@requires(Permission.TRAIL_READ_OWN)
def fetched() -> ResponseReturnValue:
    """List every download of the organisation's bundles, newest first."""
    page = _page_after(_filters_of_request(), request.args.get("cursor"), audit.PAGE_SIZE)
    return render_template("portal/fetched.html", page=page, **as_asked("from", "to"))


@blueprint.get("/organisation/downloads.csv")
@requires(Permission.TRAIL_READ_OWN)
def fetched_csv() -> ResponseReturnValue:
    """Send the same as a spreadsheet, the newest 100,000 at most."""
    filters = _filters_of_request()
    rows: Iterator[Named] = every(lambda cursor: _page_after(filters, cursor, _AT_ONCE))
    return csv_answer("downloads.csv", _COLUMNS, map(_flat, islice(rows, _MOST)))


def _filters_of_request() -> Filters:
    since, until = days_of_request()
    return Filters(actions=FETCHED, since=since, until=until)


def _page_after(filters: Filters, cursor: str | None, size: int) -> Page:
    with work() as uow:
        return audit.page(uow.session, uow.actor, filters, cursor, size)


def _flat(one: Named) -> list[Any]:
    row = one.row
    # Whose network it was is told of their own people only.
    by, address = (row.means, row.address) if one.ours else (None, None)
    return [
        row.at, deed(row.action), one.who, one.role, by, address, one.filename, row.upload_id,
        row.detail.get("range"),
    ]  # fmt: skip
