"""Sending a stored object: whole or in part, by the kernel (sendfile) where the server can."""

import os
import unicodedata
from http import HTTPStatus
from typing import IO, BinaryIO, cast
from urllib.parse import quote

from flask import Response, jsonify, request
from werkzeug.wsgi import wrap_file

from app.web.ranges import select

READ_BYTES = 1024**2  # per turn, where the kernel does not do it
_ATTR_CHARS = "!#$&+-.^_`|~"  # RFC 8187: what needs no escape besides letters and digits


def send_object(
    file: BinaryIO, size: int, *, etag: str, filename: str, mimetype: str = "application/gzip"
) -> Response:
    """Answer the current GET or HEAD with the object, as a download.

    Conditions and a single range are honoured (RFC 9110 sections 13 and 14). Nothing of it
    can run in the portal's origin, and no cache keeps it.

    Args:
        file: open at any position; closed when it has been sent, or not been needed.
        size: of the object, in bytes.
        etag: strong entity tag without quotes; other content never has the same one.
        filename: as the customer named it, any characters.
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
        window = cast("IO[bytes]", _Window(file, selection.start, length))
        content = wrap_file(request.environ, window, READ_BYTES)
        response = Response(content, selection.status, mimetype=mimetype)
        response.direct_passthrough = True  # anything around the wrapper and gunicorn would not use sendfile
    headers = response.headers
    if selection.status in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
        headers["Content-Length"] = str(length)
        headers.set("Content-Disposition", "attachment", **_names(filename))
    if selection.status is HTTPStatus.PARTIAL_CONTENT:
        headers["Content-Range"] = f"bytes {selection.start}-{selection.stop - 1}/{size}"
    headers["Accept-Ranges"] = "bytes"
    headers["ETag"] = f'"{etag}"'
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
    """Return the name for Content-Disposition (RFC 6266): ASCII, and exact where that differs."""
    exact = "".join("_" if c in '/\\"' or not c.isprintable() else c for c in filename)
    plain = unicodedata.normalize("NFKD", exact).encode("ascii", "ignore").decode().strip()
    if not plain or plain.startswith("."):  # a hidden file, or nothing of the name is ASCII
        plain = f"bundle{plain}"
    if plain == exact:
        return {"filename": plain}
    return {"filename": plain, "filename*": f"UTF-8''{quote(exact, safe=_ATTR_CHARS, errors='replace')}"}


class _Window:
    """The part of a file that is to be sent, and no more, whoever reads it.

    With ``fileno`` at the right position gunicorn lets the kernel send Content-Length bytes;
    every other server reads.
    """

    def __init__(self, file: BinaryIO, start: int, length: int) -> None:
        self._file = file
        self._left = length
        self.fileno = file.fileno
        self.close = file.close
        file.seek(0, os.SEEK_END)  # drops what was read ahead, so that the kernel's position is ours
        file.seek(start)

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, b"" at the end of the window."""
        data = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        return data
