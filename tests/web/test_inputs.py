"""What people type is data: C1, C6, C8. One pass over everything that can be asked."""

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy import ExceptionContext, event

from app import create_app
from app.domain.lifecycle import UploadState
from app.models import Account, Case, Delivery
from app.queries import uploads
from app.services import cases, letters
from app.settings import Settings
from app.system import System
from tests.architecture.access_matrix import read_matrix
from tests.factories.people import make_token
from tests.factories.requests import request_for
from tests.factories.uploads import make_upload
from tests.web.callers import Browser, Caller
from tests.web.standing import faults_of

#: Said in a way that no template, shell, SQL or spreadsheet may take for more than words.
SUM = "{{1337*1337}}${1337*1337}<%=1337*1337%>#{1337*1337}"
RESULT = "1787569"

NASTY = [
    "'\"\\;--",
    "1' UNION SELECT password_hash FROM account--",
    "$$;SELECT pg_sleep(9);$$",
    "x" * 70_000,
    "\u202e\u2066\u0000\ud7ff\U0010ffff",
    "%00%0d%0a%1b",
    "\u1e9e\u0130\u0149" * 300,
]


@pytest.fixture
def complaints(system: System) -> Iterator[list[str]]:
    """Collect what the database has to complain about: statements that it could not run."""
    found: list[str] = []

    def note(context: ExceptionContext) -> None:
        found.append(str(context.original_exception))

    event.listen(system.database.engine, "handle_error", note)
    yield found
    event.remove(system.database.engine, "handle_error", note)


@pytest.mark.parametrize("nasty", NASTY, ids=lambda text: ascii(text)[:20])
def test_nothing_typed_reaches_the_database_as_anything_but_a_value(
    admin: Caller, complaints: list[str], nasty: str
) -> None:
    """C1: in path, query, headers, cookie and form of every route no 5xx, and no error of PostgreSQL's."""
    typed = quote(nasty, safe="")[:3000]
    header = re.sub(r"[^\x20-\x7e]", "", nasty)[:4000]
    headers = dict.fromkeys(("User-Agent", "Range", "If-None-Match", "Referer", "X-Forwarded-Host"), header)
    names = (
        "q",
        "case",
        "cursor",
        "organisation",
        "state",
        "next",
        "name",
        "email",
        "slug",
        "from",
        "role",
        "actor",
    )
    query = "&".join(f"{name}={typed}" for name in names)
    for method, rule in sorted(read_matrix()):
        if method == "OPTIONS":
            continue
        request = request_for(method, rule, typed[:200])
        if method == "POST" and "data" not in request and "json" not in request:
            request["data"] = dict.fromkeys(names, nasty)
        path = f"{str(request.pop('path')).replace('bundle.tgz', typed[:500])}?{query[:6000]}"
        more = headers | {"Cookie": f"diagport={header}", "Idempotency-Key": header[:300] or "x"}
        answer = admin.ask(**request | {"path": path, "headers": {**request.get("headers", {}), **more}})
        assert answer.status_code < 500, (method, rule)
    assert complaints == []


def test_no_template_counts(
    app: Flask, customer: Caller, admin: Caller, system: System, settings: Settings
) -> None:
    """C6: in every field, and then on every page, in every list, export and mail."""
    with system.work() as uow:
        home = uow.session.get_one(Account, customer.account.id).organisation
        assert home
        home.name = uow.session.get_one(Account, customer.account.id).name = SUM
    upload = make_upload(system, customer.actor, UploadState.INFECTED, filename=f"{SUM}.tgz", case="CS-7")
    make_token(system, customer.actor, name=SUM)
    with system.work() as uow:
        case = uow.session.query(Case).one()
        cases.retitle(uow, case.id, SUM)
        uploads.get(uow.session, uow.actor, upload.id).note = SUM
    shown = 0
    for who in (customer, admin):
        browser = Browser(app)
        browser.sign_in(who.account.email)
        for method, rule in sorted(read_matrix()):
            if method != "GET" or "<ticket>" in rule or rule.startswith("/static"):
                continue
            target = case.id if "case_id" in rule else upload.id
            page = browser.client.get(
                request_for("GET", rule, target)["path"] + f"?q={quote(SUM)}", buffered=True
            )
            text = page.data.decode(errors="replace")
            assert RESULT not in text, rule
            shown += "1337*1337" in text
    assert shown > 10
    with system.work() as uow:
        for delivery in uow.session.query(Delivery):
            message = letters.compose(delivery, upload, "https://upload.example.com")
            assert RESULT not in message.subject + message.text
            assert SUM in message.subject
            assert "\n" not in message.subject


def test_everything_is_as_strict_over_tls(system: System, settings: Settings, customer: Caller) -> None:
    """T17, T30: what a browser is told where it matters, and its cookie."""
    secure = settings.model_copy(
        update={"environment": "production", "base_url": "https://upload.example.com"}
    )
    app = create_app(secure, adapters=system.adapters, database=system.database)
    client = app.test_client()
    for path in ("/", "/sign-in", "/files", "/nowhere", "/t", "/healthz", "/api/v1/uploads", "/readyz"):
        answer = client.get(path, base_url="https://upload.example.com", headers={"Accept": "text/html"})
        assert faults_of(answer, secure=True) == [], path
    token = re.search(
        r'csrf_token"[^>]*value="([^"]+)', client.get("/sign-in", base_url=secure.base_url).text
    )
    assert token
    typed = {"csrf_token": token[1], "email": customer.account.email, "password": "correct horse battery"}
    entered = client.post("/sign-in", data=typed, base_url=secure.base_url)
    assert entered.status_code == 303
    names = {cookie.partition("=")[0] for cookie in entered.headers.getlist("Set-Cookie")}
    assert names == {"__Host-diagport", "__Host-diagport-device"}
    assert faults_of(entered, secure=True) == []
    assert faults_of(client.get("/files", base_url=secure.base_url), secure=True) == []
