"""T39: no token gets further than its scopes, on any route, whatever its account may do."""

from uuid import uuid4

import pytest
from flask import Flask

from app.domain.policy import Permission, Role, Scope, scope_of
from app.system import System
from app.web import access
from tests.architecture.scope_table import read_table
from tests.factories.issuers import make_issuer, with_jwt
from tests.factories.people import bearer
from tests.factories.requests import request_for
from tests.fakes import FakeFetcher
from tests.web.callers import Caller

TABLE = read_table()
WORDS = {Scope.WRITE: "write", Scope.READ: "read", Scope.DOWNLOAD: "download", Scope.ADMIN: "admin"}


def declared_scopes(app: Flask) -> dict[tuple[str, str], str]:
    """Return (method, rule) -> what the view declares, in the words of the table."""
    found: dict[tuple[str, str], str] = {}
    for rule in app.url_map.iter_rules():
        for method in rule.methods or ():  # of two rules for one address the first answers
            found.setdefault((method, rule.rule), _needed(access.declared(app, rule.endpoint)))
    return found


def _needed(declared: access.Access) -> str:
    if declared.ticket:
        return "ticket"
    if declared.permission is None:
        return "anybody"
    either = [declared.permission, *([declared.instead] if declared.instead else [])]
    return "/".join(dict.fromkeys(map(_word, either)))


def _word(permission: Permission) -> str:
    scope = scope_of(permission)
    return WORDS[scope] if scope else "person"


def test_what_views_declare_is_what_was_agreed(app: Flask) -> None:
    assert declared_scopes(app) == TABLE


@pytest.mark.parametrize("scope", Scope)
def test_a_token_with_one_scope_gets_nothing_beyond_it(
    scope: Scope, app: Flask, system: System, fetcher: FakeFetcher
) -> None:
    """An admin's, who may do everything, and a machine's JWT, which asks for more than its issuer may."""
    admin = Caller(app, system, Role.ADMIN)
    admin.headers = bearer(system, admin.account, scope)
    own = {admin: scope}
    if scope is not Scope.ADMIN:  # which no issuer may have
        home = Caller(app, system)
        issuer = make_issuer(system, fetcher, home.actor.organisation_id, scopes=[str(scope)])
        home.headers = with_jwt(issuer, *Scope)
        own[home] = scope
    for who, covered in own.items():  # they are let in at all
        assert who.get("/api/v1/uploads").status_code == (200 if covered is Scope.READ else 403)
    further: list[tuple[str, str, int]] = []
    for (method, rule), needed in TABLE.items():
        for who, covered in own.items():
            if needed in {"anybody", "ticket"} or WORDS[covered] in needed.split("/"):
                continue
            answer = who.ask(**request_for(method, rule, uuid4()))
            if answer.status_code not in {401, 403}:
                further.append((method, rule, answer.status_code))
    assert further == []
