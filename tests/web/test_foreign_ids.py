"""T2, T3, C10: ids of every kind, foreign against random; and what admins must prove before they act."""

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
from flask import Flask

from app.system import System
from app.web.access import declared
from tests.architecture.access_matrix import read_matrix
from tests.factories.people import make_manager, make_organisation
from tests.factories.requests import SAFE, make_target, request_for
from tests.web.callers import Browser, Caller
from tests.web.test_tenancy import fingerprint

#: Uploads are tested in every state by test_tenancy; a ticket's code is a secret, no id.
BY_ID = sorted(
    (rule, method)
    for method, rule in read_matrix()
    if "<uuid:" in rule and "<uuid:upload_id>" not in rule and "<ticket>" not in rule and method != "OPTIONS"
)
ADMIN = sorted((method, rule) for method, rule in read_matrix() if rule.startswith(("/admin", "/colleagues")))
#: What an admin or manager may do without proving anew who they are, and why.
WITHOUT_PROOF: dict[tuple[str, str], str] = {}


class Foreign:
    """People of another organisation: a customer and a manager, by token and in a browser."""

    def __init__(self, app: Flask, system: System) -> None:
        manager = make_manager(system, make_organisation(system).id)
        self.program = Caller(app, system, account=manager)
        self.browser = Browser(app)
        self.browser.sign_in(manager.email)
        self.token = self.browser.csrf_token()

    def answers(self, method: str, rule: str, target: object) -> Iterator[object]:
        """Ask about ``target``; yield what was answered, the id itself left out."""
        request = request_for(method, rule, target)
        yield _without(target, fingerprint(self.program.ask(**request)))
        headers = {**request.get("headers", {}), "X-CSRFToken": self.token, "Accept": "text/html"}
        shown = self.browser.client.open(**request | {"headers": headers}, buffered=True)
        yield _without(target, fingerprint(shown))


def _without(target: object, seen: object) -> str:
    ids = target if isinstance(target, tuple) else (target,)
    return re.sub("|".join(re.escape(str(one)) for one in ids), "ID", str(seen))


@pytest.mark.parametrize("rule", sorted({rule for rule, _ in BY_ID}))
def test_a_foreign_id_of_any_kind_is_as_good_as_a_random_one(
    rule: str, app: Flask, customer: Caller, system: System
) -> None:
    """T2: status, body and headers, bar date and request id."""
    asker = Foreign(app, system)
    foreign = make_target(system, customer.actor, rule)
    nowhere = tuple(uuid4() for _ in foreign) if isinstance(foreign, tuple) else uuid4()
    for method in (method for known, method in BY_ID if known == rule):
        assert list(asker.answers(method, rule, foreign)) == list(asker.answers(method, rule, nowhere)), (
            method
        )


def test_what_admins_change_needs_a_fresh_proof(app: Flask) -> None:
    """T3: not more than ten minutes old (`settings.step_up_seconds`), and never a token."""
    endpoints = {
        (method, rule.rule): rule.endpoint
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
    }
    stale = {key for key in ADMIN if key[0] not in SAFE and not declared(app, endpoints[key]).fresh}
    assert stale == set(WITHOUT_PROOF)
    assert ADMIN, "there are such pages"
