"""Choosing how dates and numbers are written."""

from datetime import UTC, datetime
from functools import cache
from typing import Final
from zoneinfo import available_timezones

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.domain.locales import LOCALES
from app.domain.policy import Permission
from app.services import preferences
from app.web.access import requires
from app.web.account.blueprint import blueprint
from app.web.context import work
from app.web.wording import manner_of

_SAMPLE: Final = datetime(2026, 12, 31, 15, 5, tzinfo=UTC)

#: Of the tz database's areas those that are parts of the world; the rest are old names of places in them.
_REGIONS: Final = (
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)


@blueprint.post("/manner")
@requires(Permission.ACCOUNT_OWN)
def choose_manner() -> ResponseReturnValue:
    """Write dates and numbers otherwise from now on."""
    with work() as uow:
        preferences.choose_manner(uow, request.form.get("locale"), request.form.get("time_zone"))
    return redirect(url_for("account.page", saved="manner", _anchor="manner"), code=303)


@cache
def locale_choices() -> list[tuple[str, str]]:
    """Return every locale with an example of what it looks like."""
    choices = []
    for tag in LOCALES:
        how = manner_of(tag, "UTC")
        example = f"{how.written(_SAMPLE)}; {how.number(1234567.8)}"
        choices.append((tag, f"{how.locale.get_display_name('en')}: {example}"))
    return choices


@cache
def zone_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the time zones by part of the world: the tz database's name, and how it is shown."""
    groups: dict[str, list[tuple[str, str]]] = {region: [] for region in _REGIONS}
    for name in available_timezones():
        region, _, place = name.partition("/")
        if region in groups:
            groups[region].append((name, _place(place)))
    return [(region, sorted(zones, key=lambda zone: zone[1])) for region, zones in groups.items()]


def _place(name: str) -> str:
    """Return "Argentina/Buenos_Aires" as "Buenos Aires (Argentina)"."""
    *within, place = name.replace("_", " ").split("/")
    return f"{place} ({', '.join(within)})" if within else place
