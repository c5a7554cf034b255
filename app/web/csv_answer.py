"""Lists as files for a spreadsheet: CSV (RFC 4180), in which nothing is a formula."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import Protocol, TypeVar

from flask import Response, stream_with_context

_Item = TypeVar("_Item", covariant=True)

_MANY = 500  # rows that leave together

# What makes a formula of a cell, with the forms that some spreadsheets read as these: full-width
# and small ones, and the minus sign. What they skip before it: blanks, quotes, characters of no width.
_FORMULA = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212"
_SKIPPED = '\\s"\u00ad\u200b-\u200f\u2060\ufeff'
#: Where a spreadsheet may see a cell begin: at its beginning, and wherever one that takes semicolons
#: or tabs for the separator, and so is not told by our quotes, sees the next one.
_BEGINS = re.compile(f"(?:^|(?<=[;\t\r\n\v\f\x85\u2028\u2029]))(?=[{_SKIPPED}]*[{_FORMULA}]|[\t\r])")


class Page(Protocol[_Item]):
    """A page of a list that goes on after ``next_cursor``, if there is one."""

    @property
    def items(self) -> Sequence[_Item]: ...
    @property
    def next_cursor(self) -> str | None: ...


def csv_answer(filename: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """Answer with a file of ``rows`` below ``head``, made while it is read.

    The first row is made before the answer begins, so that what goes wrong at once is told as usual.
    What goes wrong later ends the connection before the end of the file.

    Args:
        filename: plain ASCII, as it is to be kept.
        head: the columns' names.
        rows: text, numbers, moments or None, one for each column.
    """
    ahead = iter(rows)
    first = list(islice(ahead, 1))
    response = Response(
        stream_with_context(_lines(chain([head], first, ahead))), content_type="text/csv; charset=utf-8"
    )
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    response.headers["Content-Security-Policy"] = "sandbox"
    return response


def every(page_after: Callable[[str | None], Page[_Item]]) -> Iterator[_Item]:
    """Yield what is on all pages; ``page_after`` gets each, in a unit of work of its own."""
    cursor: str | None = None
    while True:
        page = page_after(cursor)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def cell(value: object) -> str:
    """Return what stands in the file for ``value``.

    Text in which a spreadsheet would see a formula gets a ' before it, which spreadsheets take as
    "this is text". Numbers of ours stay numbers, a negative one too.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return _BEGINS.sub("'", str(value))


def _lines(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    ahead = iter(rows)
    while some := list(islice(ahead, _MANY)):
        text = io.StringIO()
        # All quoted: a spreadsheet that guesses the separator finds fewer in what is quoted.
        writer = csv.writer(text, quoting=csv.QUOTE_ALL)
        writer.writerows([cell(value) for value in row] for row in some)
        yield text.getvalue()
