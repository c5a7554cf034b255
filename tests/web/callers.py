"""Those who ask: programs with a token, people with a browser."""

import html
import re
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import html5lib
from flask import Flask
from werkzeug.test import TestResponse

from app.domain.policy import MANAGER_PERMISSIONS, PERMISSIONS, Permission, Role
from app.models import Account, Organisation
from app.queries.accounts import actor_of
from app.system import System
from app.web import access
from tests.factories.forms import Part, encode_form
from tests.factories.people import PASSWORD, bearer, make_account

_CSRF = re.compile(r'(?<=name="csrf_token")([^>]*value=")([^"]+)')

_SCRIPTS_CSRF = re.compile(r'(?<=data-token=")[^"]+')  # the same, for a script
_REQUEST_ID = re.compile(r"[0-9a-f]{32}")


def needed(app: Flask, method: str, rule: str) -> list[tuple[Role, Permission]]:
    """Return who is to ask, and the permission by which they are let in; nobody where everybody is.

    The humblest role that holds the permission, and the highest where another will do instead.
    """
    found = next(
        each for each in app.url_map.iter_rules() if each.rule == rule and method in (each.methods or ())
    )
    declared = access.declared(app, found.endpoint)
    if declared.permission is None or declared.ticket:  # the ticket in the address asks, whatever is sent
        return []
    either = [declared.permission, *([declared.instead] if declared.instead else [])]
    return [(next(role for role in Role if each in _held_by(role)), each) for each in either]


def _held_by(role: Role) -> frozenset[Permission]:
    return PERMISSIONS[role] | (MANAGER_PERMISSIONS if role is Role.CUSTOMER else frozenset())


class Caller:
    """Somebody who sends a token, as `curl` and its like do."""

    def __init__(
        self,
        app: Flask,
        system: System,
        role: Role = Role.CUSTOMER,
        organisation: Organisation | None = None,
        account: Account | None = None,
    ) -> None:
        self.account = account or make_account(system, role, organisation)
        self.actor = actor_of(self.account, "127.0.0.1")
        self.headers = bearer(system, self.account)
        self.client = app.test_client(use_cookies=False)

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> TestResponse:
        headers = self.headers | (headers or {})
        return self.client.open(path, method=method, headers=headers, buffered=True, **more)

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.ask("GET", path, **more)

    def put(self, data: bytes, filename: str = "bundle.tgz", query: str = "", **more: Any) -> TestResponse:
        return self.ask("PUT", f"/upload/{quote(filename, safe='')}{query}", data=data, **more)

    def send_form(self, *parts: Part, path: str = "/upload", **more: Any) -> TestResponse:
        body, content_type = encode_form(*parts)
        return self.ask("POST", path, data=body, content_type=content_type, **more)


class Browser:
    """A browser with its cookies. Every page it gets must be HTML without an error."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> TestResponse:
        headers = {"Accept": "text/html,*/*;q=0.8"} | (headers or {})
        response = self.client.open(path, method=method, headers=headers, buffered=True, **more)
        if response.mimetype == "text/html" and response.data:
            _check_html(without_what_differs(response), fragment="HX-Request" in headers)
        return response

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.ask("GET", path, **more)

    def post(self, path: str, data: dict[str, Any] | None = None, **more: Any) -> TestResponse:
        """Post a form of ours, its CSRF token included."""
        return self.ask("POST", path, data={"csrf_token": self.csrf_token()} | (data or {}), **more)

    def csrf_token(self) -> str:
        """Return the token of the page that this browser would post from."""
        return csrf_token_in(self.get("/sign-in", follow_redirects=True))

    def sign_in(self, email: str, password: str = PASSWORD, **fields: str) -> TestResponse:
        return self.post("/sign-in", {"email": email, "password": password} | fields)

    def cookie(self) -> str:
        """Return what a thief of the session cookie would have."""
        cookie = self.client.get_cookie("diagport")
        return cookie.value if cookie else ""

    def steal(self, cookie: str) -> "Browser":
        """Become whoever the cookie belongs to."""
        self.client.set_cookie("diagport", cookie)
        return self

    def signed_in(self) -> bool:
        return self.get("/files").status_code == 200


@lru_cache(maxsize=4096)
def _check_html(page: str, *, fragment: bool) -> None:
    """Raise html5lib's ParseError for a page, or a part of one, that is not HTML without an error."""
    parser = html5lib.HTMLParser(strict=True)
    (parser.parseFragment if fragment else parser.parse)(page)


def csrf_token_in(page: TestResponse) -> str:
    found = _CSRF.search(page.text)
    assert found, page.text
    return html.unescape(found[2])


def without_csrf_tokens(page: str) -> str:
    return _SCRIPTS_CSRF.sub("", _CSRF.sub(r"\1", page))


def without_what_differs(response: TestResponse) -> str:
    """Return a page without what is new in each: CSRF tokens, and the request's number."""
    return _REQUEST_ID.sub("", without_csrf_tokens(response.text))
