"""Answers that are a stored object, whole or in part."""

import unicodedata
from collections.abc import Iterable
from http import HTTPStatus
from typing import BinaryIO
from urllib.parse import quote

from flask import Response, jsonify, request
from werkzeug.datastructures import Headers

from app.web.outgoing import Body, Watch, connection_of, parts_of_file, parts_of_stream
from app.web.ranges import select

_ATTR_CHARS = "!#$&+-.^_`|~"  # RFC 8187: what needs no escape besides letters and digits


def send_object(
    file: BinaryIO,
    size: int,
    *,
    etag: str,
    filename: str,
    watch: Watch,
    mimetype: str = "application/gzip",
) -> Response:
    """Answer the current GET or HEAD with the object, as a download.

    Conditions and a single range are honoured (RFC 9110 sections 13 and 14). Nothing of it
    can run in the portal's origin, and no cache keeps it.

    Args:
        file: open at any position; closed when it has been sent, or not been needed.
        size: of the object, in bytes.
        etag: strong entity tag without quotes; other content never has the same one.
        filename: as the customer named it, any characters.
        watch: looks at what is behind the file while it goes out.
        mimetype: never one that a browser would display.
    """
    selection = select(request, size, etag)
    length = selection.stop - selection.start
    if selection.status not in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
        file.close()
        response = _without_content(selection.status, size)
    elif request.method == "HEAD":
        file.close()
        response = Response(mimetype=mimetype)
    else:
        connection = connection_of(request.environ)
        parts = parts_of_file(file, selection.start, selection.stop, watch, connection)
        response = Response(Body(parts, file, connection), selection.status, mimetype=mimetype)
        response.direct_passthrough = True  # nobody encodes, counts or keeps it
    headers = response.headers
    if selection.status in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
        headers["Content-Length"] = str(length)
    if selection.status is HTTPStatus.PARTIAL_CONTENT:
        headers["Content-Range"] = f"bytes {selection.start}-{selection.stop - 1}/{size}"
    headers["Accept-Ranges"] = "bytes"
    headers["ETag"] = f'"{etag}"'
    return _shut_in(response, filename)


def send_stream(
    file: BinaryIO, chunks: Iterable[bytes], *, filename: str, watch: Watch, mimetype: str
) -> Response:
    """Answer the current GET or HEAD with what is made of the object on the way, as a download.

    Its length is not known before it has gone out. The arguments are those of `send_object`.
    """
    if request.method == "HEAD":
        file.close()
        return _shut_in(Response(mimetype=mimetype), filename)
    body = Body(parts_of_stream(chunks, watch), file, connection_of(request.environ))
    response = Response(body, mimetype=mimetype)
    response.direct_passthrough = True
    return _shut_in(response, filename)


def send_elsewhere(address: str) -> Response:
    """Answer the current GET with where else to get the object, for a moment."""
    headers = {"Location": address, "Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer"}
    return Response(status=HTTPStatus.SEE_OTHER, headers=headers)


def disposition(filename: str) -> str:
    """Return the Content-Disposition that lets a download be saved under its name (RFC 6266)."""
    headers = Headers()
    headers.set("Content-Disposition", "attachment", **_names(filename))
    return headers["Content-Disposition"]


def _shut_in(response: Response, filename: str) -> Response:
    """Let it be saved under its name, and do nothing else anywhere."""
    headers = response.headers
    if response.status_code in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
        headers["Content-Disposition"] = disposition(filename)
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Content-Security-Policy"] = "sandbox"
    headers["Cache-Control"] = "private, no-store"
    return response


def _without_content(status: HTTPStatus, size: int) -> Response:
    if status is HTTPStatus.NOT_MODIFIED:
        return Response(status=status)
    bad_range = status is HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
    response = jsonify(
        type="about:blank",
        title=status.phrase,
        status=status.value,
        code="bad_range" if bad_range else "precondition_failed",
        detail=f"This file has {size:,} bytes." if bad_range else "This is no longer the file you asked for.",
    )
    response.status_code = status
    response.mimetype = "application/problem+json"
    if bad_range:
        response.headers["Content-Range"] = f"bytes */{size}"
    return response


def _names(filename: str) -> dict[str, str]:
    """Return the name as the header's parameters: ASCII, and exact where that differs."""
    exact = "".join("_" if c in '/\\"' or not c.isprintable() else c for c in filename)
    plain = unicodedata.normalize("NFKD", exact).encode("ascii", "ignore").decode().strip()
    if not plain or plain.startswith("."):  # a hidden file, or nothing of the name is ASCII
        plain = f"bundle{plain}"
    if plain == exact:
        return {"filename": plain}
    return {"filename": plain, "filename*": f"UTF-8''{quote(exact, safe=_ATTR_CHARS, errors='replace')}"}
