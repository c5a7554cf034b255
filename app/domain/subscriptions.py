"""How people want to hear of things: at once, once a day, in the portal only, or not at all."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from app.domain.events import BEFORE_VERDICT, MANDATORY, Event
from app.domain.policy import STAFF, Role


class Way(StrEnum):
    """Everything but OFF is shown in the portal too."""

    NOW = "now"  # mailed at once, but in quiet hours after them
    DIGEST = "digest"  # mailed once a day, with all else that waits
    PORTAL = "portal"  # shown in the portal only
    OFF = "off"


class Follow(StrEnum):
    WATCH = "watch"  # everything about the case, at once
    MUTE = "mute"  # nothing about the case but what nobody can do without


#: Where staff need no mail of their own: they see it in the portal, and may ask for more.
_QUIET_FOR_STAFF: Final = {
    Event.UPLOAD_STARTED: Way.PORTAL,
    Event.UPLOAD_RELEASED: Way.PORTAL,
    Event.UPLOAD_DELETION_DUE: Way.DIGEST,
    Event.UPLOAD_DELETED: Way.PORTAL,
    Event.TICKET_USED: Way.PORTAL,
    Event.TICKET_EXPIRING: Way.DIGEST,
}
#: Where customers need no mail for each bundle: many end on one day.
_QUIET_FOR_CUSTOMERS: Final = {
    Event.UPLOAD_DOWNLOADED: Way.PORTAL,
    Event.UPLOAD_DELETION_DUE: Way.DIGEST,
    Event.UPLOAD_DELETED: Way.DIGEST,
}


def offered(event: Event) -> tuple[Way, ...]:
    """Return the ways from which people may choose for ``event``."""
    # Nothing about a bundle leaves the portal before its verdict.
    return (Way.PORTAL, Way.OFF) if event in BEFORE_VERDICT else tuple(Way)


def of_organisations(events: Iterable[Event]) -> list[Event]:
    """Return those of ``events`` that happen to one organisation, or to its bundles."""
    return [event for event in events if event.startswith(("upload.", "ticket.", "quota."))]


def default_way(role: Role, event: Event) -> Way:
    """Return how somebody in ``role`` hears of ``event`` who has chosen nothing."""
    quiet = _QUIET_FOR_STAFF if role in STAFF else _QUIET_FOR_CUSTOMERS
    return quiet.get(event, Way.NOW)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What one person has chosen for one event: the narrower wish wins over the wider one."""

    role: Role
    general: Way | None = None
    organisation: Way | None = None
    case: Way | None = None
    follow: Follow | None = None  # of the case


def way_for(event: Event, wishes: Wishes) -> Way:
    """Return how the person hears of the event."""
    if event in MANDATORY:
        return Way.NOW
    chosen = wishes.case or wishes.organisation or wishes.general or default_way(wishes.role, event)
    if wishes.follow is Follow.MUTE:
        return Way.OFF
    if wishes.follow is Follow.WATCH and wishes.case is None:
        chosen = Way.NOW
    return chosen if chosen in offered(event) else Way.PORTAL


def after_quiet(now: datetime, zone: str, quiet: tuple[time, time] | None) -> datetime:
    """Return when something may be mailed at the earliest: ``now``, or when the quiet hours end.

    ``quiet`` is (from, until) by the clock on the wall in ``zone`` (tz database), perhaps over midnight.
    Where the clock is set forward over the end, they end as long after the jump as the end lies within
    it; where the end comes twice, at the later one.
    """
    if quiet is None or quiet[0] == quiet[1]:
        return now
    begin, end = quiet
    moment = now
    # Twice only where the clock jumps over all that lies between two quiet times.
    while _within(at := moment.astimezone(ZoneInfo(zone)), begin, end):
        day = at.date() + timedelta(days=1 if at.time() >= end else 0)
        moment = _moment(day, end, zone)
    return moment


def _within(local: datetime, begin: time, end: time) -> bool:
    at = local.time()
    return begin <= at < end if begin < end else at >= begin or at < end


def next_digest(now: datetime, zone: str, at: time) -> datetime:
    """Return the next moment after ``now`` at which it is ``at`` by the clock on the wall in ``zone``."""
    day = now.astimezone(ZoneInfo(zone)).date()
    today = _moment(day, at, zone)
    return today if today > now else _moment(day + timedelta(days=1), at, zone)


def digest_before(end: datetime, now: datetime, zone: str, at: time) -> datetime:
    """Return `next_digest`, or the next full hour where that would not come before ``end``.

    An hour, so that what is told of many things at once is still one mail.
    """
    moment = next_digest(now, zone, at)
    return moment if moment < end else now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def _moment(day: date, at: time, zone: str) -> datetime:
    moment = datetime.combine(day, at, ZoneInfo(zone))
    # In the hour that comes twice the later one; what the clock jumps over lies as far after the jump.
    return max(moment.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
