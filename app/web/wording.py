"""Dates, numbers and sizes as the reader writes them, in the reader's time zone. The words are English.

Who is not known reads British dates in UTC, as in mails and logs.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, get_datetime_format
from babel.numbers import format_decimal
from flask import g, has_request_context
from flask_login import current_user
from markupsafe import Markup

from app.domain.errors import PortalError
from app.domain.policy import SYSTEM, Actor

_UNITS = ("kB", "MB", "GB", "TB")


@dataclass(frozen=True, slots=True)
class Manner:
    """How somebody writes dates and numbers (``tag``: BCP 47), and where they live."""

    tag: str
    locale: Locale
    zone: tzinfo

    def moment(self, moment: datetime, zone: tzinfo | None = None) -> str:
        """Return a moment in words, with its zone: "21 Nov 2026, 12:24 UTC"."""
        there = moment.astimezone(zone or self.zone)
        return self.written(there, f" {_zone_name(there)}")

    def written(self, there: datetime, after_time: str = "") -> str:
        """Return the date and the time of day as they stand in ``there``: "21 Nov 2026, 12:24"."""
        # "{1}, {0}" in most languages: time and date, and what stands between them
        return (
            str(get_datetime_format("medium", self.locale))
            .replace("{0}", format_time(there, "short", locale=self.locale) + after_time)
            .replace("{1}", format_date(there, "medium", self.locale))
        )

    def number(self, value: float, pattern: str | None = None) -> str:
        """Return a number as in "1,234"; ``pattern`` is one of Unicode's (UTS 35)."""
        return format_decimal(value, pattern, self.locale)


def reader() -> Actor | None:
    """Return who asks; None for nobody, and where that cannot be told, as on a page that says why."""
    if not has_request_context() or "nobody_knows" in g:
        return None
    try:
        return current_user.actor if current_user.is_authenticated else None
    except PortalError:
        g.nobody_knows = True  # asked once: each time may take seconds
        return None


def manner() -> Manner:
    """Return the reader's."""
    actor = reader() or SYSTEM
    return manner_of(actor.locale, actor.time_zone)


@cache
def manner_of(tag: str, time_zone: str) -> Manner:
    """Return what a locale and a time zone mean, or the default of what is not known (any more)."""
    try:
        locale = Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        tag, locale = SYSTEM.locale, Locale.parse(SYSTEM.locale, sep="-")
    try:
        zone: tzinfo = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zone = UTC
    return Manner(tag, locale, zone)


def when(moment: datetime | None) -> Markup:
    """Return a moment as a <time> element in the reader's zone, with UTC for who points at it."""
    if moment is None:
        return Markup("")
    how = manner()
    words, same = how.moment(moment), how.moment(moment, UTC)
    return Markup('<time datetime="{}"{}{}>{}</time>').format(
        moment.isoformat(timespec="seconds"),
        Markup("") if how.locale.language == "en" else Markup(' lang="{}"').format(how.tag),
        Markup("") if words == same else Markup(' title="{}"').format(same),
        words,
    )


def day(moment: datetime) -> Markup:
    """Return the day of a moment where the reader lives: "21 Nov 2026"."""
    how = manner()
    words = format_date(moment.astimezone(how.zone), "medium", how.locale)
    lang = Markup("") if how.locale.language == "en" else Markup(' lang="{}"').format(how.tag)
    return Markup('<time datetime="{}"{}>{}</time>').format(moment.isoformat(timespec="seconds"), lang, words)


def until(moment: datetime | str) -> Markup:
    """Return the end of a stretch of time: a day that has just ended by its name, anything else as `when`.

    A day is chosen by name, "the end of 1 Mar 2027", and nobody would know it by the midnight after it.
    ``moment`` may be in RFC 3339.
    """
    moment = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    if moment.astimezone(manner().zone).time() != time():
        return when(moment)
    return Markup("the end of {}").format(day(moment - timedelta(seconds=1)))


def until_day(moment: datetime) -> Markup:
    """Return the last day of a stretch of time that ends then: one that ends at midnight has not the next."""
    ends = moment.astimezone(manner().zone).time() == time()
    return day(moment - timedelta(seconds=1) if ends else moment)


def days(count: int) -> str:
    """Return "1 day", "1,000 days"."""
    return "1 day" if count == 1 else f"{number(count)} days"


def number(value: int) -> str:
    """Return 1234 as "1,234"."""
    return manner().number(value)


def filesize(size: int | None) -> str:
    """Return bytes as people say them, in powers of 1,000: 4628644 -> "4.6 MB"."""
    if size is None:
        return "unknown size"
    if size < 1000:
        return f"{size} B"
    value = float(size)
    step = min(int(math.log(value, 1000) + 1e-4), len(_UNITS))
    return f"{manner().number(value / 1000**step, '0.0')} {_UNITS[step - 1]}"


def age(seconds: float) -> str:
    """Return a span as people say it: 90000.0 -> "25 hours"."""
    for word, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length:.0f} {word}s"
    return "a minute" if seconds >= 60 else "less than a minute"


def _zone_name(there: datetime) -> str:
    """Return what the zone is called by people: "CET", and "UTC+03" where it is called by no letters."""
    name = there.tzname() or "UTC"
    return f"UTC{name}" if name[0] in "+-" else name
