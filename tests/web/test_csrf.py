"""T31: whatever a cookie carries needs the page's token and our own origin."""

from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.domain.policy import MANAGER_PERMISSIONS, Role
from app.system import System
from tests.architecture.access_matrix import read_matrix
from tests.factories.people import make_manager
from tests.factories.requests import SAFE, TGZ, make_target, request_for
from tests.web.callers import Browser, Caller, needed
from tests.web.looks import uploads

#: Where the address itself says who asks, a cookie says nothing.
UNSAFE = sorted(
    key
    for key in read_matrix()
    if key[0] not in SAFE and not {"<ticket>", "unsubscribe"} & {*key[1].split("/")}
)
CROSS_SITE: list[dict[str, str]] = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost.evil.example"},
    {"Origin": "http://localhost:81"},
    {"Origin": "https://localhost"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


@pytest.fixture(params=UNSAFE, ids=" ".join)
def unsafe(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Give every (method, rule) that may change something."""
    method_and_rule: tuple[str, str] = request.param
    return method_and_rule


class Victim:
    """A browser of somebody who may do it, and the upload that it would be done to."""

    def __init__(self, app: Flask, system: System, unsafe: tuple[str, str]) -> None:
        self.method, self.rule = unsafe
        customer = Caller(app, system)
        may = needed(app, self.method, self.rule)
        role, permission = may[0] if may else (Role.CUSTOMER, None)
        who = Caller(app, system, role) if role is not Role.CUSTOMER else customer
        if permission in MANAGER_PERMISSIONS:
            who = Caller(app, system, account=make_manager(system, customer.actor.organisation_id))
        self.browser = Browser(app)
        self.browser.sign_in(who.account.email)
        self.target = make_target(system, customer.actor, self.rule)

    def send(self, headers: dict[str, str]) -> TestResponse:
        request: dict[str, Any] = request_for(self.method, self.rule, self.target)
        return self.browser.ask(**request | {"headers": {**request.get("headers", {}), **headers}})


def state_of(system: System) -> list[tuple[object, ...]]:
    return [
        (upload.id, upload.state, upload.received_bytes, upload.released_at, upload.rescan_asked_at)
        for upload in uploads(system)
    ]


@pytest.fixture
def victim(app: Flask, system: System, unsafe: tuple[str, str]) -> Victim:
    return Victim(app, system, unsafe)


def test_nothing_is_done_without_token_and_origin(victim: Victim, system: System) -> None:
    """With both it is: the refusals are for what they say."""
    before = state_of(system)
    without_the_token(victim)
    from_another_site(victim)
    assert state_of(system) == before
    assert victim.browser.signed_in()
    with_token_and_origin(victim)


def without_the_token(victim: Victim) -> None:
    somebody_elses = Browser(victim.browser.client.application).csrf_token()
    wrong: list[dict[str, str]] = [{}, *({"X-CSRFToken": token} for token in ("", "wrong", somebody_elses))]
    for headers in wrong:
        assert victim.send(headers).status_code == 403, headers


def from_another_site(victim: Victim) -> None:
    token = victim.browser.csrf_token()
    for headers in CROSS_SITE:
        if "<token>" in victim.rule and headers == {"Origin": "null"}:
            continue  # a page with a secret in its address hides its origin from us as well
        assert victim.send({"X-CSRFToken": token, **headers}).status_code == 403, headers


def with_token_and_origin(victim: Victim) -> None:
    headers = {
        "X-CSRFToken": victim.browser.csrf_token(),
        "Origin": "http://localhost",
        "Sec-Fetch-Site": "same-origin",
    }
    # 400, 404, 409, 410 and 422 are what only who came past the door hears: of what is not offered here, of a
    # form that is not filled in, of an id that is none of such a thing.
    # 401, that no first factor was proved.
    assert victim.send(headers).status_code in {200, 201, 204, 303, 400, 401, 404, 409, 410, 422}


@pytest.mark.parametrize("headers", CROSS_SITE, ids=repr)
def test_a_token_does_not_excuse_another_site(
    customer: Caller, system: System, headers: dict[str, str]
) -> None:
    """Browsers attach remembered Basic credentials to whatever another site makes them send."""
    assert customer.put(TGZ, headers=headers).status_code == 403
    assert uploads(system) == []
