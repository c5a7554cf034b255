"""From which day to which a list goes, read from an address."""

from datetime import date, datetime, time, timedelta

from flask import request

from app.domain.errors import BadRequestError
from app.web.wording import manner


def days_of_request() -> tuple[datetime | None, datetime | None]:
    """Return when the day in ``from`` begins and when that in ``to`` ends, where the reader lives.

    None where nothing was said.

    Raises:
        BadRequestError: that is no day.
    """
    try:
        return _midnight("from", 0), _midnight("to", 1)
    except (ValueError, OverflowError) as error:
        raise BadRequestError("Write a day as in 2026-11-21.") from error


def _midnight(name: str, later: int) -> datetime | None:
    said = request.args.get(name, "").strip()
    if not said:
        return None
    return datetime.combine(date.fromisoformat(said) + timedelta(days=later), time(), manner().zone)
