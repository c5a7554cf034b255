"""Ranges, conditions and the headers of a download."""

import io
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import parse_options_header

from app.web.ranges import Selection, select_range
from app.web.sending import send_object

CONTENT = bytes(range(256)) * 50
ETAG = "0f1e2d"


class Nobody:
    """Looks at nothing."""

    def look(self) -> None: ...

    def look_last(self) -> None: ...


class Sent:
    """The file that was handed to `send_object`, and the name it was to have."""

    file: BinaryIO
    filename = "web-01.tgz"


@pytest.fixture
def sent(tmp_path: Path) -> Iterator[Sent]:
    path = tmp_path / "object"
    path.write_bytes(CONTENT)
    sent = Sent()
    with path.open("rb") as sent.file:
        sent.file.read(100)  # somebody has looked at the beginning already
        yield sent


@pytest.fixture
def client(sent: Sent) -> FlaskClient:
    app = Flask(__name__)

    @app.get("/download")
    def download() -> Response:
        return send_object(sent.file, len(CONTENT), etag=ETAG, filename=sent.filename, watch=Nobody())

    return app.test_client()


def test_the_whole_as_an_attachment(client: FlaskClient, sent: Sent) -> None:
    response = client.get("/download")

    assert (response.status_code, response.data) == (200, CONTENT)
    assert dict(response.headers) == {
        "Content-Type": "application/gzip",
        "Content-Length": str(len(CONTENT)),
        "Content-Disposition": "attachment; filename=web-01.tgz",
        "Accept-Ranges": "bytes",
        "ETag": f'"{ETAG}"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox",
        "Cache-Control": "private, no-store",
    }
    response.close()
    assert sent.file.closed


@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=50-8999", 50, 9000),
        ("bytes=12000-", 12000, 12800),
        ("Bytes=-5", 12795, 12800),
    ],
)
def test_a_part(client: FlaskClient, header: str, start: int, stop: int) -> None:
    response = client.get("/download", headers={"Range": header})

    assert (response.status_code, response.data) == (206, CONTENT[start:stop])
    assert response.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(CONTENT)}"
    assert response.headers["Content-Length"] == str(stop - start)
    response.close()


def test_a_range_beyond_the_end(client: FlaskClient, sent: Sent) -> None:
    response = client.get("/download", headers={"Range": "bytes=12800-"})

    assert response.status_code == 416
    assert response.headers["Content-Range"] == "bytes */12800"
    assert response.mimetype == "application/problem+json"
    assert response.json is not None
    assert response.json["code"] == "bad_range"
    assert sent.file.closed


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-None-Match": f'"{ETAG}"'}, 304),
        ({"If-None-Match": f'"other", W/"{ETAG}"'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"other"'}, 200),
        ({"If-Match": '"other"'}, 412),
        ({"If-Match": f'W/"{ETAG}"'}, 412),
        ({"If-Match": "*"}, 200),
        ({"Range": "bytes=0-1", "If-Range": f'"{ETAG}"'}, 206),
        ({"Range": "bytes=0-1", "If-Range": f'W/"{ETAG}"'}, 200),
        ({"Range": "bytes=0-1", "If-Range": '"other"'}, 200),
        ({"Range": "bytes=0-1", "If-Range": "Sat, 21 Nov 2026 00:00:00 GMT"}, 200),
        ({"Range": "bytes=0-1,5-6"}, 200),
        ({"Range": "lines=0-1"}, 200),
    ],
)
def test_conditions(client: FlaskClient, headers: dict[str, str], status: int) -> None:
    response = client.get("/download", headers=headers)

    assert response.status_code == status
    assert response.headers["ETag"] == f'"{ETAG}"'
    response.close()


def test_head_tells_the_length_and_opens_nothing(client: FlaskClient, sent: Sent) -> None:
    response = client.head("/download", headers={"Range": "bytes=0-1"})

    assert (response.status_code, response.data) == (200, b"")
    assert response.headers["Content-Length"] == str(len(CONTENT))
    assert sent.file.closed


@pytest.mark.parametrize(
    ("filename", "ascii_name"),
    [
        ('a "quoted" \\ name.tgz', "a _quoted_ _ name.tgz"),
        ("../../etc/passwd", "bundle.._.._etc_passwd"),
        ("line\r\nSet-Cookie: a=b.tgz", "line__Set-Cookie: a=b.tgz"),
        ("日本.tgz", "bundle.tgz"),
        ("日本", "bundle"),
        ("größe.tgz", "groe.tgz"),
        ("\ud800.tgz", "_.tgz"),
    ],
)
def test_any_file_name(client: FlaskClient, sent: Sent, filename: str, ascii_name: str) -> None:
    sent.filename = filename

    with client.get("/download") as response:
        disposition = response.headers["Content-Disposition"]

    kind, options = parse_options_header(disposition)
    assert kind == "attachment"
    assert f'filename="{ascii_name}"' in disposition or f"filename={ascii_name}" in disposition
    assert "\n" not in options["filename"]


def test_something_that_is_no_file_of_this_machine() -> None:
    app = Flask(__name__)

    with app.test_request_context(headers={"Range": "bytes=2-4"}):
        response = send_object(io.BytesIO(b"abcdefgh"), 8, etag=ETAG, filename="a.tgz", watch=Nobody())
        with response:
            assert b"".join(response.iter_encoded()) == b"cde"


numbers = st.integers(0, 40).map(str) | st.just("")


@given(numbers, numbers, st.integers(0, 30))
def test_a_range_selects_what_the_standard_says(first: str, last: str, size: int) -> None:
    """Against the definition (RFC 9110 section 14.1.2), taken literally, byte by byte."""
    if first:
        wanted = [i for i in range(size) if i >= int(first) and (not last or i <= int(last))]
    else:
        wanted = [i for i in range(size) if last and i >= size - int(last)]
    invalid = (not first and not last) or (first and last and int(last) < int(first))

    selection = select_range(f"bytes={first}-{last}", size)

    if invalid or (size == 0 and not first and int(last)):
        assert selection == Selection(HTTPStatus.OK, 0, size)
    elif wanted:
        assert selection == Selection(HTTPStatus.PARTIAL_CONTENT, wanted[0], wanted[-1] + 1)
    else:
        assert selection.status is HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE


@given(st.text(max_size=30) | st.text("bytes=-,0123456789 ", max_size=40))
def test_no_range_field_breaks_anything(header: str) -> None:
    selection = select_range(header, 1000)
    assert 0 <= selection.start <= selection.stop <= 1000
