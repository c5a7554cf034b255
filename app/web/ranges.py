"""Which bytes of a stored object a request asks for (RFC 9110 sections 13 and 14)."""

import re
from dataclasses import dataclass
from http import HTTPStatus

from werkzeug import Request

_SINGLE_RANGE = re.compile(r"bytes=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Selection:
    """What to answer: ``status`` and the bytes from ``start`` up to, not including, ``stop``."""

    status: HTTPStatus
    start: int = 0
    stop: int = 0


def select(request: Request, size: int, etag: str) -> Selection:
    """Decide between the whole (200), a part (206), 304, 412 and 416.

    Conditions by date are never met: objects are named by their content, not by a time.
    Several ranges in one request get the whole, as section 14.2 allows.

    Args:
        request: a GET or a HEAD.
        size: of the object, in bytes.
        etag: its strong entity tag, without quotes.
    """
    if request.if_match and etag not in request.if_match:
        return Selection(HTTPStatus.PRECONDITION_FAILED)
    if request.if_none_match.contains_weak(etag):
        return Selection(HTTPStatus.NOT_MODIFIED)
    # compared as text: Werkzeug's if_range forgets whether a tag was weak, and weak ones never match
    if request.method == "GET" and request.headers.get("If-Range", f'"{etag}"') == f'"{etag}"':
        return select_range(request.headers.get("Range", ""), size)
    return Selection(HTTPStatus.OK, 0, size)


def select_range(header: str, size: int) -> Selection:
    """Return what a Range field selects; one that is not understood counts as absent."""
    whole = Selection(HTTPStatus.OK, 0, size)
    match = _SINGLE_RANGE.fullmatch(header)
    if match is None or match.groups() == ("", ""):
        return whole
    first, last = match.groups()
    if not first:
        return _part(size - int(last), size, size) if size or not int(last) else whole
    if last and int(last) < int(first):
        return whole
    return _part(int(first), int(last) + 1 if last else size, size)


def _part(start: int, stop: int, size: int) -> Selection:
    if start >= size:
        return Selection(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
    return Selection(HTTPStatus.PARTIAL_CONTENT, max(start, 0), min(stop, size))
