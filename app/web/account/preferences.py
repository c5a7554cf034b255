"""What people choose for themselves: the mails they get, and how dates and numbers are written."""

from datetime import UTC, datetime
from functools import cache
from typing import Final
from zoneinfo import available_timezones

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.domain.events import MANDATORY, Event, heard_by
from app.domain.locales import LOCALES
from app.domain.policy import STAFF, Actor, Permission, Role
from app.services import preferences
from app.web.access import requires
from app.web.account.blueprint import blueprint
from app.web.context import work
from app.web.wording import manner_of

#: What is mailed, as a customer and as staff should read it.
_MAILS: Final[dict[Event, tuple[str, str]]] = {
    Event.UPLOAD_RECEIVED: ("A bundle of yours has arrived whole.", ""),
    Event.UPLOAD_EXPIRING: ("An upload of yours is not finished, and is soon given up.", ""),
    Event.UPLOAD_CLEAN: (
        "No virus was found in a bundle of yours, and support has it.",
        "A bundle was checked, and is ready to download.",
    ),
    Event.UPLOAD_INFECTED: ("A virus was found in a bundle of yours.", "A virus was found in a bundle."),
    Event.UPLOAD_UNSCANNABLE: (
        "A bundle of yours could not be checked completely.",
        "A bundle could not be checked completely, and needs review.",
    ),
    Event.UPLOAD_RECALLED: (
        "A virus was found later in a bundle of yours that was ready.",
        "A virus was found later in a bundle that was ready.",
    ),
    Event.UPLOAD_INTEGRITY_FAILED: ("", "The stored bytes of a bundle have changed."),
    Event.GATE_CLOSED: ("", "The virus check has stopped."),
    Event.GATE_OPENED: ("", "The virus check works again."),
}
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


@blueprint.post("/notices")
@requires(Permission.ACCOUNT_OWN)
def choose_notices() -> ResponseReturnValue:
    """Send the chosen mails from now on, and what nobody can do without."""
    with work() as uow:
        preferences.choose_notices(uow, request.form.getlist("mail"))
    return redirect(url_for("account.page", saved="notices", _anchor="notices"), code=303)


def mails_for(actor: Actor) -> tuple[list[tuple[Event, str]], list[str]]:
    """Return the mails that may be chosen, with their words, and the words of those that always come."""
    role = actor.role or Role.CUSTOMER
    heard = [event for event in heard_by(role, manager=actor.manager) if event in _MAILS]
    words = {event: _MAILS[event][role in STAFF] for event in heard}
    return (
        [(event, says) for event, says in words.items() if event not in MANDATORY],
        [says for event, says in words.items() if event in MANDATORY],
    )


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
