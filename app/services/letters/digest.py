"""The daily mail: what somebody chose to read once a day."""

from collections.abc import Sequence
from datetime import UTC
from itertools import groupby

from app.domain.headlines import headline
from app.domain.letter import Block, Facts, Letter, Link, Words
from app.models import Notice
from app.services.letters.occasion import Occasion


def write(occasion: Occasion, notices: Sequence[Notice]) -> Letter:
    """Write it of ``notices``, oldest first. ``told`` says whether there are more than it names."""
    more, number = bool(occasion.told.get("more")), len(notices)
    many = f"more than {number} notices" if more else "1 notice" if number == 1 else f"{number} notices"
    blocks: list[Block] = [Words("This has happened, and you chose to read of it once a day. Times are UTC.")]
    for day, of_day in groupby(notices, key=lambda notice: notice.created_at.astimezone(UTC).date()):
        blocks.append(Words(f"{day.day} {day:%b %Y}"))
        blocks.append(Facts(tuple(_row(notice, occasion) for notice in of_day)))
    if more:
        blocks.append(Words("There is more in the portal."))
    return Letter(
        subject=f"Your daily summary: {many}",
        title="Your daily summary",
        about=many,
        blocks=(*blocks, Link("Open your notices", f"{occasion.base_url}/notices")),
        why="You get this once a day, if there is anything that you have not read in the portal.",
        notices=occasion.notices,
    )


def _row(notice: Notice, occasion: Occasion) -> tuple[str, str]:
    record = notice.record
    says = headline(record.event, record.payload, staff=occasion.for_staff)
    return f"{notice.created_at.astimezone(UTC):%H:%M}", says
