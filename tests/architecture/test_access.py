"""T1, T17, T33, C12: every rule, method and principal against the checked-in table; default deny."""

from uuid import uuid4

import pytest
from flask import Blueprint, Flask
from werkzeug.test import TestResponse

from app import create_app
from app.domain.policy import Role
from app.system import System
from tests.architecture.access_matrix import PRINCIPALS, read_matrix
from tests.factories.issuers import make_issuer, with_jwt
from tests.factories.people import make_manager
from tests.factories.requests import SAFE, make_target, request_for, rules
from tests.factories.tickets import basic, issue_ticket
from tests.fakes import FakeFetcher
from tests.web.callers import Caller
from tests.web.standing import faults_of

MATRIX = read_matrix()
RULES = sorted({rule for _, rule in MATRIX})
METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"}


@pytest.fixture
def people(app: Flask, system: System, fetcher: FakeFetcher) -> dict[str, Caller]:
    roles = {
        "customer": Role.CUSTOMER,
        "stranger": Role.CUSTOMER,
        "engineer": Role.ENGINEER,
        "admin": Role.ADMIN,
    }
    people = {name: Caller(app, system, role) for name, role in roles.items()}
    home = people["customer"].actor.organisation_id
    issuer = make_issuer(system, fetcher, home)
    return people | {
        "manager": Caller(app, system, account=make_manager(system, home)),
        "service": _with_headers(Caller(app, system, account=issuer.account), with_jwt(issuer)),
        "anonymous": _with_headers(Caller(app, system), {}),
        "ticket": _with_headers(Caller(app, system), basic(issue_ticket(system, "CS-9", home, uploads=9))),
    }


def _with_headers(caller: Caller, headers: dict[str, str]) -> Caller:
    caller.headers = headers
    return caller


def test_every_rule_stands_in_the_matrix(app: Flask) -> None:
    assert rules(app) == set(MATRIX)


@pytest.mark.parametrize("rule", RULES)
def test_everybody_gets_what_the_matrix_says(rule: str, people: dict[str, Caller], system: System) -> None:
    got: dict[str, dict[str, int]] = {}
    for method in sorted(method for method, known in MATRIX if known == rule):
        got[method], target = {}, None
        for name in PRINCIPALS:
            target = target or make_target(system, people["customer"].actor, rule)
            answer = _ask(people[name], method, rule, target)
            got[method][name] = answer.status_code
            if method not in SAFE and answer.status_code < 400:
                target = None  # something was done to it
            same_for_all = rule.startswith("/static/") or rule == "/diagport.py"
            assert faults_of(answer, same_for_all=same_for_all) == [], (method, name)
    assert got == {method: MATRIX[method, rule] for method in got}


def _ask(who: Caller, method: str, rule: str, target: object) -> TestResponse:
    return who.ask(**request_for(method, rule, target))


def test_other_methods_are_refused(app: Flask, system: System) -> None:
    admin = Caller(app, system, Role.ADMIN)
    for rule in RULES:
        for method in METHODS - {method for method, known in MATRIX if known == rule}:
            request = request_for(method, rule, uuid4())
            assert admin.ask(**request).status_code == 405, (method, rule)


BESIDE = (
    "/console",
    "/?__debugger__=yes&cmd=resource&f=debugger.js",
    "/.git/config",
    "/static/../wsgi.py",
    "/static/%2e%2e/wsgi.py",
    "/storage",
    "/setup",
    "/admin/options.php",
)


@pytest.mark.parametrize("path", BESIDE)
def test_nothing_is_reachable_beside_the_rules(path: str, people: dict[str, Caller]) -> None:
    """C2, C13."""
    assert people["anonymous"].get(path).status_code in {303, 404}
    assert b"create_app" not in people["admin"].get(path).data


def test_the_portal_does_not_start_with_an_undeclared_view(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = Blueprint("bare", __name__)
    bare.add_url_rule("/bare", view_func=lambda: "open")
    monkeypatch.setattr("app.web.ops.blueprint", bare)
    with pytest.raises(RuntimeError, match="without a declared permission: bare"):
        create_app(system.settings, adapters=system.adapters, database=system.database)


def test_an_undeclared_view_is_refused_at_run_time_too(app: Flask, people: dict[str, Caller]) -> None:
    app.add_url_rule("/late", "late", lambda: "open")
    assert people["admin"].get("/late").status_code == 403
