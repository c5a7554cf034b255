"""T39: what a token covers, on every route there is, in the same place as roles."""

import pytest
from flask import Flask

from app.domain.policy import MANAGER_PERMISSIONS, Role, Scope, scope_of
from app.models import ApiToken
from app.system import System
from tests.architecture.access_matrix import read_matrix
from tests.factories.people import bearer, make_manager, make_token
from tests.factories.requests import make_target, request_for
from tests.web.callers import Caller, needed
from tests.web.looks import problem

MATRIX = read_matrix()


@pytest.mark.parametrize("rule", sorted({rule for _, rule in MATRIX}))
def test_a_scope_opens_what_is_its_own_and_nothing_else(rule: str, app: Flask, system: System) -> None:
    owner = Caller(app, system)
    for method in sorted(method for method, known in MATRIX if known == rule):
        for role, permission in needed(app, method, rule):
            who = owner if role is Role.CUSTOMER else Caller(app, system, role)
            if manages := permission in MANAGER_PERMISSIONS:
                who = Caller(app, system, account=make_manager(system, owner.actor.organisation_id))
            scope = scope_of(permission)
            request = request_for(method, rule, make_target(system, owner.actor, rule))
            if scope is None:
                who.headers = bearer(system, who.account, *Scope)
                refused = who.ask(**request)
                assert refused.status_code == 403, method
                if method != "HEAD":
                    assert "a person at a browser" in problem(refused, 403, "forbidden")["detail"]
                continue

            who.headers = bearer(system, who.account, *(set(Scope) - {scope}))
            refused = who.ask(**request)
            assert refused.status_code == 403, method
            if method != "HEAD":
                assert f"scope {scope}." in problem(refused, 403, "forbidden")["detail"]

            who.headers = bearer(system, who.account, scope)
            principal = "manager" if manages else role
            assert who.ask(**request).status_code == MATRIX[method, rule][principal], method


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("scope", sorted(set(Scope) - {Scope.READ}))
def test_no_first_page_lists_what_the_token_may_not_read(
    app: Flask, system: System, role: Role, scope: Scope
) -> None:
    """/ is for everybody, and shows each what they may see."""
    who = Caller(app, system, role)
    who.headers = bearer(system, who.account, scope)
    assert "scope uploads:read." in problem(who.get("/"), 403, "forbidden")["detail"]


@pytest.mark.parametrize("path", ["/account", "/sign-out", "/account/tokens/{}/revoke"])
def test_a_token_manages_neither_tokens_nor_sessions(admin: Caller, system: System, path: str) -> None:
    """However much it covers: that is for a person at a browser."""
    other = make_token(system, admin.actor)
    answer = admin.ask("GET" if path == "/account" else "POST", path.format(other))
    assert "a person at a browser" in problem(answer, 403, "forbidden")["detail"]
    with system.work() as uow:
        assert uow.session.get_one(ApiToken, other).revoked_at is None
