"""T16, C18: one head, one request; and nobody but our own proxy says where a request comes from."""

import pytest
from flask import Flask
from sqlalchemy import select

from app import create_app
from app.models import AuditEvent
from app.settings import Settings
from app.system import System
from tests.factories.requests import TGZ
from tests.live import Live
from tests.web.callers import Browser
from tests.web.test_network import talk

SECRET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
STATUS = b"HTTP/1.1 "

MALFORMED = {
    "line feeds alone, and a length": b"POST /sign-in HTTP/1.1\nHost: localhost\nContent-Length: 0\n\n",
    "a header that begins with a space": b"GET /healthz HTTP/1.1\r\n Host: localhost\r\n\r\n",
    "a NUL in a header": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: a\x00b\r\n\r\n",
    "a line feed within a header": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: a\nX-B: b\r\n\r\n",
    "a carriage return alone": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: a\rX-B: b\r\n\r\n",
    "a header without a colon": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nnonsense\r\n\r\n",
    "a header without a name": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n: x\r\n\r\n",
    "a space in a name": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX A: x\r\n\r\n",
    "a huge header": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: " + b"a" * 200_000 + b"\r\n\r\n",
    "a huge address": b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "very many headers": b"GET /healthz HTTP/1.1\r\n" + b"X-A: a\r\n" * 5_000 + b"\r\n",
    "no such version": b"GET /healthz HTTP/9.9\r\nHost: localhost\r\n\r\n",
    "no version": b"GET /healthz\r\n\r\n",
    "a method with a control character": b"GE\x01T /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "the proxy protocol": b"PROXY TCP4 6.6.6.6 7.7.7.7 1 2\r\n" + SECRET,
    "a chunk size with a sign": b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n+5\r\nabcde\r\n0\r\n\r\n",
    "a chunk size that is none": b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nabcde\r\n0\r\n\r\n",
    "a chunk longer than said": b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n2\r\nabcde\r\n0\r\n\r\n",
    "chunks in HTTP/1.0": b"POST /sign-in HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"0\r\n\r\n",
}


@pytest.mark.parametrize("what", MALFORMED)
def test_what_is_malformed_is_refused_and_nothing_after_it_is_answered(live: Live, what: str) -> None:
    answer = talk(live, MALFORMED[what] + SECRET, half_close=True)
    assert answer[:10] in {b"HTTP/1.1 4", b"HTTP/1.1 5", b""}, answer[:200]
    assert answer.count(STATUS) <= 1
    assert b'"status":"ok"' not in answer.replace(b" ", b"")


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"POST", b"OPTIONS", b"DELETE"])
def test_a_body_is_never_taken_for_a_request(live: Live, method: bytes) -> None:
    """What a length covers is a body, of whatever method, and is not answered."""
    head = method + b" /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(SECRET)
    answer = talk(live, head + SECRET, half_close=True)
    assert answer.count(STATUS) == 1
    assert answer.count(b'"status"') <= 1


FORGED = {
    "X-Forwarded-For": "6.6.6.6",
    "X-Real-Ip": "6.6.6.6",
    "Forwarded": "for=6.6.6.6;host=evil.example;proto=https",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Prefix": "/evil",
    "Remote-Addr": "6.6.6.6",
    "Script-Name": "/evil",
    "Path-Info": "/evil",
    "X-Original-Url": "/evil",
    "X-Rewrite-Url": "/evil",
}


def test_the_server_believes_no_header_about_the_sender(live: Live) -> None:
    upload = live.put(TGZ, headers=FORGED)
    addresses = live.sql("SELECT DISTINCT address FROM audit_event WHERE upload_id = %s", upload["id"])
    assert addresses[0] in {("127.0.0.1",), ("::1",)}
    answer = live.get("/sign-in", headers=FORGED | {"Accept": "text/html"})
    assert answer.status_code == 200
    assert "evil" not in answer.text + str(answer.headers)
    assert "Strict-Transport-Security" not in answer.headers
    assert answer.headers.get("Server", "gunicorn") == "gunicorn", "no version"


@pytest.mark.parametrize(
    ("hops", "chain", "address"),
    [
        (0, "6.6.6.6", "127.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (1, "127.0.0.1, 10.0.0.1, 203.0.113.9", "203.0.113.9"),
        (2, "6.6.6.6, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
        (2, "203.0.113.9", "127.0.0.1"),
    ],
)
def test_as_many_proxies_are_believed_as_there_are(
    system: System, settings: Settings, hops: int, chain: str, address: str
) -> None:
    """What the trail says of where somebody came from is the word of the nearest proxy."""
    app = create_app(
        settings.model_copy(update={"proxy_hops": hops}), adapters=system.adapters, database=system.database
    )
    browser = Browser(app)
    typed = {"email": "nobody@example.com", "password": "not this one"}
    browser.post("/sign-in", typed, headers={"X-Forwarded-For": chain})
    with system.work() as uow:
        seen = uow.session.scalars(
            select(AuditEvent.address).where(AuditEvent.action == "session.refused")
        ).all()
    assert set(seen) == {address}


def _asked(app: Flask, host: str, path: str = "/sign-in", **headers: str) -> int:
    return app.test_client().get(path, headers={"Host": host, **headers}).status_code


def test_only_names_of_the_portal_are_answered(system: System, settings: Settings) -> None:
    """RFC 9110 section 7.4."""
    production = settings.model_copy(
        update={
            "environment": "production",
            "base_url": "https://upload.example.com",
            "trusted_hosts": ("support.example.com",),
        }
    )
    app = create_app(production, adapters=system.adapters, database=system.database)
    for good in ("upload.example.com", "UPLOAD.example.com", "upload.example.com:443", "support.example.com"):
        assert _asked(app, good) == 200, good
    for bad in (
        "evil.example",
        "upload.example.com.evil.example",
        "evil.example:443",
        "upload.example.com@evil.example",
        "10.0.0.7:8000",
        "localhost",
        "[::1]",
        "[",
        "",
        "' OR 1=1;--",
    ):
        for path in ("/sign-in", "/", "/api/v1/uploads", "/nowhere", "/static/css/diagport.css"):
            assert _asked(app, bad, path) == 421, (bad, path)
        # Load balancers and monitors know a task's address only.
        assert _asked(app, bad, "/healthz") == 200, bad
        assert _asked(app, bad, "/readyz") == 200, bad
    page = app.test_client().get("/files", headers={"Host": "evil.example", "Accept": "text/html"})
    assert 'href="https://upload.example.com"' in page.text
    assert "Set-Cookie" not in page.headers


def test_a_proxy_does_not_make_up_names_either(system: System, settings: Settings) -> None:
    behind_one = settings.model_copy(update={"proxy_hops": 1})
    app = create_app(behind_one, adapters=system.adapters, database=system.database)
    assert _asked(app, "localhost", **{"X-Forwarded-Host": "evil.example"}) == 421
    assert _asked(app, "10.0.0.7", **{"X-Forwarded-Host": "localhost"}) == 200
