"""From which day to which a list goes, read from an address."""

from datetime import date, datetime, time, timedelta
from typing import Final

from flask import request

from app.domain.errors import BadRequestError
from app.web.wording import manner

_YEARS: Final = range(2000, 2101)


def days_of_request() -> tuple[datetime | None, datetime | None]:
    """Return when the day in ``from`` begins and when that in ``to`` ends, where the reader lives.

    None where nothing was said.

    Raises:
        BadRequestError: that is no day, or in no year that can be meant.
    """
    try:
        return _midnight("from", 0), _midnight("to", 1)
    except (ValueError, OverflowError) as error:
        raise BadRequestError("Write a day as in 2026-11-21.") from error


def _midnight(name: str, later: int) -> datetime | None:
    said = request.args.get(name, "").strip()
    if not said:
        return None
    day = date.fromisoformat(said)
    if day.year not in _YEARS:
        raise BadRequestError(f"Write a year from {_YEARS[0]} to {_YEARS[-1]}.")
    return datetime.combine(day + timedelta(days=later), time(), manner().zone)
